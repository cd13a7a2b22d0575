# SPDX-License-Identifier: GPL-2.0-or-later
"""The kinds: one thing broken in a sound image, each row a name, what it needs, and what is done to the image."""
import struct

from image import *

NODATASUM = 1


def block_group_tree(image):
    return BLOCK_GROUP_TREE if any(key[0] == BLOCK_GROUP_TREE for key in image.keys(ROOT_TREE, ROOT_ITEM)) else EXTENT_TREE


def inode(tree, name, at, form, value):
    """A field of the INODE_ITEM of what has this name."""
    return lambda image: image.poke(tree(image), (image.inode_of(tree(image), name), INODE_ITEM), at, form, value)


def top(_):
    return FS_TREE


def sub(image):
    return max(key[0] for key in image.keys(ROOT_TREE, ROOT_ITEM) if 256 <= key[0] < 2**63)


def extent(name, at, form, value):
    return lambda image: image.poke(FS_TREE, (image.inode_of(FS_TREE, name), EXTENT_DATA), at, form, value)


def item(tree, kind, at, form, value):
    return lambda image: image.poke(tree, (None, kind), at, form, value)


def gone(tree, kind):
    return lambda image: image.remove(tree, None, kind)


def of_inode_gone(tree, name, kind):
    return lambda image: image.remove(tree(image), image.inode_of(tree(image), name), kind)


def superblock(at, form, value):
    return lambda image: image.set_super(at, form, value(image) if callable(value) else value)


def no_checksums(image):
    for leaf in image.leaves(CSUM_TREE):
        leaf.items = []
        leaf.save()


def compressed_unsummed(image, keep_checksums=False):
    """The flags say that there are no checksums, and for one compressed extent there are none."""
    ino = image.inode_of(FS_TREE, "packed")
    image.poke(FS_TREE, (ino, INODE_ITEM), 64, "Q", lambda flags: flags | NODATASUM)
    if keep_checksums:
        return
    data = image.get(FS_TREE, ino, EXTENT_DATA)[1]
    start, size = struct.unpack_from("<QQ", data, 21)
    for leaf in image.leaves(CSUM_TREE):
        left = []
        for key, sums in leaf.items:
            for number in range(len(sums) // 4):
                sector = key[2] + 4096 * number
                if not start <= sector < start + size:
                    left.append(((key[0], key[1], sector), sums[4 * number : 4 * number + 4]))
        leaf.items = left
        leaf.save()


def chunks_end(image):
    return max(place + length for length, places in image.chunks.values() for place in places)


def entry_gone(tree, name, kind):
    def change(image):
        for leaf in image.leaves(tree(image)):
            for number, (key, data) in enumerate(leaf.items):
                if key[1] == kind and bytes(data[30:]) == name.encode():
                    del leaf.items[number]
                    return leaf.save()
        raise LookupError(name)

    return change


def used_blocks(image):
    """One more than there are."""
    image.poke(block_group_tree(image), (None, BLOCK_GROUP_ITEM), 0, "Q", lambda used: used + 4096)


def group_gone(image):
    image.remove(block_group_tree(image), None, BLOCK_GROUP_ITEM)


def longer_info(image):
    key = image.keys(SPACE_TREE, SPACE_INFO)[0]
    image.rekey(SPACE_TREE, key, (key[0], key[1], key[2] + 65536))


def stray_space(image):
    image.insert(SPACE_TREE, (1 << 20, SPACE_EXTENT, 65536), b"")


def rename_root_ref(image):
    leaf, number = image.find(ROOT_TREE, None, ROOT_REF)
    leaf.items[number][1][-1] ^= 1
    leaf.save()


# Name, whether a kernel-made subvolume is needed, change.
KINDS = [
    ("mode with bits above 16", False, inode(top, "big", 52, "I", 0xABCD81A4)),
    ("mode with bit 16", False, inode(top, "big", 52, "I", 0x181A4)),
    ("directory's mode with high bits", False, inode(top, "dir", 52, "I", 0xABCD41ED)),
    ("symlink's mode with high bits", False, inode(top, "symlink", 52, "I", 0x8000A1FF)),
    ("mode of no type", False, inode(top, "big", 52, "I", 0o644)),
    ("mode with high bits in a subvolume", True, inode(sub, "f", 52, "I", 0xABCD81A4)),
    ("directory's mode with high bits in a subvolume", True, inode(sub, "d", 52, "I", 0xABCD41ED)),
    ("top directory's mode with high bits in a subvolume", True,
     lambda image: image.poke(sub(image), (256, INODE_ITEM), 52, "I", 0x141ED)),
    ("wrong link count in a subvolume", True, inode(sub, "f", 40, "I", 5)),
    ("wrong nbytes in a subvolume", True, inode(sub, "f", 24, "Q", lambda nbytes: nbytes + 4096)),
    ("name without DIR_INDEX in a subvolume", True, entry_gone(sub, "f", DIR_INDEX)),
    ("subvolume's entry without DIR_ITEM", True, entry_gone(top, "sub", DIR_ITEM)),
    ("subvolume's entry without DIR_INDEX", True, entry_gone(top, "sub", DIR_INDEX)),
    ("subvolume without ROOT_REF", True, gone(ROOT_TREE, ROOT_REF)),
    ("subvolume without ROOT_BACKREF", True, gone(ROOT_TREE, ROOT_BACKREF)),
    ("ROOT_REF of another name", True, rename_root_ref),
    ("link count 0 of what has a name", False, inode(top, "small", 40, "I", 0)),
    ("link count too high", False, inode(top, "big", 40, "I", 9)),
    ("nbytes", False, inode(top, "big", 24, "Q", 4096)),
    ("directory's size", False, inode(top, "dir", 16, "Q", 1)),
    ("unknown inode flags", False, inode(top, "small", 64, "Q", 1 << 20)),
    ("inode's generation to come", False, inode(top, "small", 0, "Q", 1 << 40)),
    ("inode item gone", False, of_inode_gone(top, "big", INODE_ITEM)),
    ("reference gone", False, of_inode_gone(top, "small", INODE_REF)),
    ("DIR_ITEM gone", False, entry_gone(top, "small", DIR_ITEM)),
    ("DIR_INDEX gone", False, entry_gone(top, "small", DIR_INDEX)),
    ("extent's generation to come", False, extent("big", 0, "Q", 1 << 40)),
    ("extent of unknown type", False, extent("big", 20, "B", 7)),
    ("extent of no bytes", False, extent("big", 45, "Q", 0)),
    ("extent elsewhere", False, extent("big", 21, "Q", lambda bytenr: bytenr + 4096)),
    ("compressed extent without checksums", False, compressed_unsummed),
    ("compressed extent, flags without checksums", False, lambda image: compressed_unsummed(image, True)),
    ("checksums gone", False, no_checksums),
    ("extent item gone", False, gone(EXTENT_TREE, EXTENT_ITEM)),
    ("tree block's item gone", False, gone(EXTENT_TREE, METADATA_ITEM)),
    ("reference count", False, item(EXTENT_TREE, EXTENT_ITEM, 0, "Q", 7)),
    ("block group's used bytes", False, used_blocks),
    ("block group's item gone", False, group_gone),
    ("device extent gone", False, gone(DEV_TREE, DEV_EXTENT)),
    ("device extent's length", False, item(DEV_TREE, DEV_EXTENT, 24, "Q", 4096)),
    ("device's used bytes", False, item(CHUNK_TREE, DEV_ITEM, 16, "Q", 12345 * 4096)),
    ("device item larger than the device", False, item(CHUNK_TREE, DEV_ITEM, 8, "Q", lambda size: 2 * size)),
    ("device item smaller than its chunks", False, item(CHUNK_TREE, DEV_ITEM, 8, "Q", 4096)),
    ("device item smaller", False, item(CHUNK_TREE, DEV_ITEM, 8, "Q", lambda size: size - (8 << 20))),
    ("superblock's device larger", False, superblock(209, "Q", lambda image: 2 * image.super_u64(209))),
    ("superblock's device smaller", False, superblock(209, "Q", lambda image: image.super_u64(209) - (8 << 20))),
    ("superblock's device of no bytes", False, superblock(209, "Q", 0)),
    ("superblock's device with other used bytes", False, superblock(217, "Q", 4096)),
    ("superblock's total smaller", False, superblock(112, "Q", lambda image: image.super_u64(112) // 2)),
    ("superblock's total 0", False, superblock(112, "Q", 0)),
    ("superblock's used bytes", False, superblock(120, "Q", lambda image: image.super_u64(120) + 4096)),
    ("superblock's number of devices", False, superblock(136, "Q", 5)),
    ("root item's generation to come", False,
     lambda image: image.poke(ROOT_TREE, (FS_TREE, ROOT_ITEM), 160, "Q", 1 << 40)),
    ("root item's references", False, lambda image: image.poke(ROOT_TREE, (FS_TREE, ROOT_ITEM), 216, "I", 0)),
    ("root item's directory", False, lambda image: image.poke(ROOT_TREE, (FS_TREE, ROOT_ITEM), 168, "Q", 300)),
    ("free space info gone", False, gone(SPACE_TREE, SPACE_INFO)),
    ("free space info's length", False, longer_info),
    ("free space info's count", False, item(SPACE_TREE, SPACE_INFO, 0, "I", 77)),
    ("free space gone", False, gone(SPACE_TREE, SPACE_EXTENT)),
    ("free space of no block group", False, stray_space),
]


# ---- healthy states that look odd: no finding, and nothing for repair to do

def leftovers(image):
    for start, length in ((1 << 20, 4 << 20), (5 << 20, 8 << 20)):
        image.insert(SPACE_TREE, (start, SPACE_INFO, length), struct.pack("<II", 1, 0))
        image.insert(SPACE_TREE, (start, SPACE_EXTENT, length), b"")


def orphan_directory(image):
    """An empty directory, removed, with the DIR_INDEX of a file that went before it."""
    ino = image.inode_of(FS_TREE, "empty")
    for kind in (DIR_ITEM, DIR_INDEX):
        entry_gone(top, "empty", kind)(image)
    image.poke(FS_TREE, (256, INODE_ITEM), 16, "Q", lambda size: size - 2 * len("empty"))
    image.remove(FS_TREE, ino, INODE_REF)
    image.poke(FS_TREE, (ino, INODE_ITEM), 40, "I", 0)
    image.insert(FS_TREE, (ino, DIR_INDEX, 2), KEY.pack(ino + 1000, INODE_ITEM, 0) + struct.pack("<QHHB", 7, 0, 4, 1) + b"gone")
    image.insert(FS_TREE, (ORPHAN, ORPHAN_ITEM, ino), b"")


def orphan_file(image):
    ino = image.inode_of(FS_TREE, "small")
    for kind in (DIR_ITEM, DIR_INDEX):
        entry_gone(top, "small", kind)(image)
    image.poke(FS_TREE, (256, INODE_ITEM), 16, "Q", lambda size: size - 2 * len("small"))
    image.remove(FS_TREE, ino, INODE_REF)
    image.poke(FS_TREE, (ino, INODE_ITEM), 40, "I", 0)
    image.insert(FS_TREE, (ORPHAN, ORPHAN_ITEM, ino), b"")


def relocated_data_reloc(image):
    """A balance's copy of the data relocation tree."""
    groups = block_group_tree(image)
    group = next((key, data) for key, data in image.items(groups)
                 if key[1] == BLOCK_GROUP_ITEM and struct.unpack_from("<Q", data, 16)[0] & 4)
    space = next(key for key in image.keys(SPACE_TREE, SPACE_EXTENT)
                 if group[0][0] <= key[0] < group[0][0] + group[0][2] and key[2] > 2 * image.nodesize)
    bytenr = space[0]
    root = bytearray(image.get(ROOT_TREE, DATA_RELOC, ROOT_ITEM)[1])
    block = image.block(struct.unpack_from("<Q", root, 176)[0])
    struct.pack_into("<Q", block, 48, bytenr)
    struct.pack_into("<Q", block, 56, struct.unpack_from("<Q", block, 56)[0] | 2)
    image.write_block(bytenr, block)
    struct.pack_into("<Q", root, 176, bytenr)
    image.insert(ROOT_TREE, (TREE_RELOC, ROOT_ITEM, DATA_RELOC), root)
    generation = struct.unpack_from("<Q", block, 80)[0]
    image.insert(EXTENT_TREE, (bytenr, METADATA_ITEM, 0), struct.pack("<QQQBQ", 1, generation, 0x102, 182, bytenr))
    image.rekey(SPACE_TREE, space, (bytenr + image.nodesize, SPACE_EXTENT, space[2] - image.nodesize))
    image.poke(groups, group[0], 0, "Q", lambda used: used + image.nodesize)
    image.set_super(120, "Q", image.super_u64(120) + image.nodesize)


def balance_waits(image):
    """An interrupted balance that has not begun with a chunk."""
    image.insert(ROOT_TREE, (2**64 - 4, 248, 0), struct.pack("<Q", 1) + bytes(3 * 136 + 32))


def stale_uuid_tree(image):
    image.set_super(563, "Q", 1)


def total_too_large(image):
    """As old kernels left it after a resize."""
    image.set_super(112, "Q", image.super_u64(112) + (64 << 20))


HEALTHY = [
    ("as it was made", lambda image: None),
    ("what mkfs.btrfs 6.2 left", leftovers),
    ("removed directory with an entry", orphan_directory),
    ("removed file", orphan_file),
    ("balance's copy of the data relocation tree", relocated_data_reloc),
    ("balance that waits", balance_waits),
    ("UUID tree of another generation", stale_uuid_tree),
    ("superblock's total larger", total_too_large),
]
