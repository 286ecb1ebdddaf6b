"""Which precision is chosen where none is asked for."""

import pytest

from meter.errors import InputError
from meter.train.devices import DeviceConfig, fastest_precision, make_fabric, processor_multiplies_bf16_faster

INTEL, AMD = (
    "vendor_id\t: GenuineIntel\nflags\t\t: fma avx512f {}\n",
    "vendor_id\t: AuthenticAMD\nflags\t\t: fma {}\n",
)


@pytest.mark.parametrize(
    ("information", "faster"),
    [
        (INTEL.format("avx512_bf16 amx_bf16 amx_tile"), True),
        (INTEL.format("avx512_bf16"), False),
        (AMD.format("avx512f avx512_bf16"), True),
        (AMD.format("avx2"), False),
        ("", False),
    ],
)
def test_bf16_where_the_processor_multiplies_it_faster(information: str, faster: bool) -> None:
    assert processor_multiplies_bf16_faster(information) is faster


def test_the_choice_is_a_precision_of_fabric() -> None:
    assert fastest_precision("cpu") in ("bf16-mixed", "32-true")


@pytest.mark.parametrize("strategy", ["fsdp_cpu_offload", "deepspeed_stage_3", "model_parallel"])
def test_weights_that_could_not_be_saved_are_refused(strategy: str) -> None:
    with pytest.raises(InputError, match=rf"device\.strategy={strategy} .* use fsdp"):
        make_fabric(DeviceConfig(accelerator="cpu", strategy=strategy))
