# SPDX-License-Identifier: GPL-2.0-or-later
"""Setting: the image, its contents and the mount that a seed stands for."""
import random

MIB = 1 << 20
SNAPSHOTS = (0, 0, 1, 2, 5, 20, 60, 200)
OPTIONS = ("", "strictatime", "compress=zstd", "strictatime,compress-force=lzo", "noatime", "max_inline=0", "nodatacow",
           "notreelog", "flushoncommit,commit=1", "discard")
MKFS = ((), (), ("-n", "4096"), ("-n", "65536"), ("-m", "single"), ("-m", "single", "-n", "4096"), ("-O", "^no-holes"))
OURS = (("-O", "^block-group-tree"),)
KERNELS = (("--mixed", "-n", "4096"),)


class Setting:
    def __init__(self, seed, kernel):
        rng = random.Random(seed)
        self.seed = seed
        self.size = rng.choice((128, 160, 200, 256, 300, 400)) * MIB
        self.made_by_kernel = kernel and rng.random() < 0.6
        self.mkfs = list(rng.choice(MKFS + (KERNELS if self.made_by_kernel else OURS)))
        self.snapshots = rng.choice(SNAPSHOTS) if kernel else 0
        self.small_files = rng.choice((0, 50, 500, 2500))
        self.broken_files = rng.choice((0, 5, 20))  # of many extents
        self.extents = rng.choice((20, 200))
        self.left = rng.choice((0, 0, 1, 2, 5, 10, 20)) * MIB
        self.options = rng.choice(OPTIONS)
        self.kill = rng.random() < 0.5

    def __str__(self):
        return (f"seed {self.seed}: {self.size // MIB} MiB by {'mkfs.btrfs' if self.made_by_kernel else 'us'} "
                f"{' '.join(self.mkfs) or '(defaults)'}, {self.snapshots} snapshots of {self.small_files} small files and "
                f"{self.broken_files} of {self.extents} extents, {self.left // MIB} MiB left, -o '{self.options}', "
                f"{'killed' if self.kill else 'unmounted'}")
