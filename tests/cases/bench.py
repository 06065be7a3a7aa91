# SPDX-License-Identifier: GPL-2.0-only
"""The benchmarks run and have something to say; what they say is `make bench`'s business."""
import bench

CASES = [bench.side_case(side, check=bench.complete) for side in bench.SIDES]
