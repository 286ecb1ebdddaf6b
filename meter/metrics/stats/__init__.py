"""Statistics of comparisons: resampling over examples, tests over seeds, effect sizes."""
