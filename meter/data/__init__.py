"""Reviews and photos: readers, vocabulary, and the prepared store."""

from meter.data.dataset import DatasetConfig, Format, has_images
from meter.data.overview import FoundFeature, OverviewRow, found_features, overview
from meter.data.pairing import Pairing, PhotoSets
from meter.data.prepared import prepare
from meter.data.readers.csv import read_csv
from meter.data.readers.jsonl import read_jsonl
from meter.data.readers.mined import FeatureSource
from meter.data.readers.peter import read_peter
from meter.data.readers.photos import Photo, read_photos
from meter.data.readers.yelp import read_yelp
from meter.data.record_counts import RecordCounts
from meter.data.reviews import Review, Reviews
from meter.data.store import Photos, Prepared, Records
from meter.data.tokenizer import tokenize
from meter.data.vocabulary import Vocabulary, VocabularySource
from meter.special_words import BOS, EOS, PAD, SPECIAL_WORDS, UNK

__all__ = [
    "BOS",
    "EOS",
    "PAD",
    "SPECIAL_WORDS",
    "UNK",
    "DatasetConfig",
    "FeatureSource",
    "Format",
    "FoundFeature",
    "OverviewRow",
    "Pairing",
    "Photo",
    "PhotoSets",
    "Photos",
    "Prepared",
    "RecordCounts",
    "Records",
    "Review",
    "Reviews",
    "Vocabulary",
    "VocabularySource",
    "found_features",
    "has_images",
    "overview",
    "prepare",
    "read_csv",
    "read_jsonl",
    "read_peter",
    "read_photos",
    "read_yelp",
    "tokenize",
]
