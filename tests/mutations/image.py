# SPDX-License-Identifier: GPL-2.0-or-later
"""Image: an unmounted btrfs image of one device, whose items can be changed as no engine would; checksums are put right."""
import struct

KEY = struct.Struct("<QBQ")
HEADER, ITEM, POINTER = 101, 25, 33  # bytes
SUPER_PLACES = (64 << 10, 64 << 20, 256 << 30)
INODE_ITEM, INODE_REF, XATTR_ITEM, ORPHAN_ITEM, DIR_ITEM, DIR_INDEX = 1, 12, 24, 48, 84, 96
EXTENT_DATA, EXTENT_CSUM, ROOT_ITEM, ROOT_BACKREF, ROOT_REF = 108, 128, 132, 144, 156
EXTENT_ITEM, METADATA_ITEM, BLOCK_GROUP_ITEM, DEV_EXTENT, DEV_ITEM, CHUNK_ITEM = 168, 169, 192, 204, 216, 228
SPACE_INFO, SPACE_EXTENT, SPACE_BITMAP = 198, 199, 200
QGROUP_STATUS, QGROUP_INFO = 240, 242
ROOT_TREE, EXTENT_TREE, CHUNK_TREE, DEV_TREE, FS_TREE, CSUM_TREE, QUOTA_TREE, SPACE_TREE = 1, 2, 3, 4, 5, 7, 8, 10
BLOCK_GROUP_TREE = 11
TREE_RELOC, DATA_RELOC, ORPHAN, TREE_LOG = (2**64 - n for n in (8, 9, 5, 6))


def _crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC = _crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Leaf:
    """A leaf and its items, as a list of (key, bytes) that may be changed and saved."""

    def __init__(self, image, bytenr, block):
        self.image, self.bytenr, self.head, self.items = image, bytenr, bytearray(block[:HEADER]), []
        for number in range(struct.unpack_from("<I", block, 96)[0]):
            at = HEADER + number * ITEM
            offset, size = struct.unpack_from("<II", block, at + KEY.size)
            self.items.append((KEY.unpack_from(block, at), bytearray(block[HEADER + offset : HEADER + offset + size])))

    def save(self):
        body = bytearray(self.image.nodesize - HEADER)
        end = len(body)
        for number, (key, data) in enumerate(sorted(self.items, key=lambda item: item[0])):
            end -= len(data)
            assert end >= (number + 1) * ITEM, "no room in the leaf"
            KEY.pack_into(body, number * ITEM, *key)
            struct.pack_into("<II", body, number * ITEM + KEY.size, end, len(data))
            body[end : end + len(data)] = data
        struct.pack_into("<I", self.head, 96, len(self.items))
        self.image.write_block(self.bytenr, self.head + body)


class Image:
    def __init__(self, path):
        self.file = open(path, "r+b")
        self.superblock = self._at(SUPER_PLACES[0], 4096)
        assert self.superblock[64:72] == b"_BHRfS_M", path
        self.nodesize = struct.unpack_from("<I", self.superblock, 148)[0]
        self.chunks = {}  # start: length, places on the device
        array = self.superblock[811 : 811 + struct.unpack_from("<I", self.superblock, 160)[0]]
        while array:
            array = array[KEY.size + self._add_chunk(KEY.unpack_from(array)[2], array[KEY.size :]) :]
        for key, data in list(self.items(CHUNK_TREE)):
            if key[1] == CHUNK_ITEM:
                self._add_chunk(key[2], data)

    def close(self):
        self.file.close()

    def _at(self, place, size):
        self.file.seek(place)
        return self.file.read(size)

    def _add_chunk(self, start, item):
        count = struct.unpack_from("<H", item, 44)[0]
        places = [struct.unpack_from("<Q", item, 48 + 32 * number + 8)[0] for number in range(count)]
        self.chunks[start] = (struct.unpack_from("<Q", item)[0], places)
        return 48 + 32 * count

    def _places(self, bytenr):
        for start, (length, places) in self.chunks.items():
            if start <= bytenr < start + length:
                return [place + bytenr - start for place in places]
        raise LookupError(f"no chunk at {bytenr}")

    def read(self, bytenr, size):
        return self._at(self._places(bytenr)[0], size)

    def block(self, bytenr):
        return bytearray(self.read(bytenr, self.nodesize))

    def write_block(self, bytenr, block):
        block = bytearray(block)
        struct.pack_into("<I", block, 0, crc32c(block[32:]))
        for place in self._places(bytenr):
            self.file.seek(place)
            self.file.write(block)

    def super_u64(self, at):
        return struct.unpack_from("<Q", self.superblock, at)[0]

    def set_super(self, at, form, value):
        """In all mirrors that are there."""
        self.file.seek(0, 2)
        end = self.file.tell()
        for place in SUPER_PLACES:
            if place + 4096 > end:
                continue
            block = bytearray(self._at(place, 4096))
            if block[64:72] != b"_BHRfS_M":
                continue
            struct.pack_into("<" + form, block, at, value)
            struct.pack_into("<I", block, 0, crc32c(block[32:]))
            self.file.seek(place)
            self.file.write(block)

    def root(self, tree):
        if tree == ROOT_TREE:
            return self.super_u64(80)
        if tree == CHUNK_TREE:
            return self.super_u64(88)
        for key, data in self.items(ROOT_TREE):
            if key[:2] == (tree, ROOT_ITEM):
                return struct.unpack_from("<Q", data, 176)[0]
        raise LookupError(f"no tree {tree}")

    def leaves(self, tree):
        yield from self.leaves_below(self.root(tree))

    def leaves_below(self, bytenr):
        block = self.block(bytenr)
        if block[100] == 0:
            yield Leaf(self, bytenr, block)
            return
        for number in range(struct.unpack_from("<I", block, 96)[0]):
            yield from self.leaves_below(struct.unpack_from("<Q", block, HEADER + number * POINTER + KEY.size)[0])

    def items(self, tree):
        for leaf in self.leaves(tree):
            yield from leaf.items

    def keys(self, tree, kind):
        return [key for key, _ in self.items(tree) if key[1] == kind]

    def find(self, tree, objectid=None, kind=None, offset=None):
        """The first item that fits: its leaf and its number there."""
        for leaf in self.leaves(tree):
            for number, (key, _) in enumerate(leaf.items):
                if all(want is None or want == have for want, have in zip((objectid, kind, offset), key)):
                    return leaf, number
        raise LookupError(f"no item {objectid} {kind} {offset} in tree {tree}")

    def get(self, tree, objectid=None, kind=None, offset=None):
        leaf, number = self.find(tree, objectid, kind, offset)
        return leaf.items[number]

    def poke(self, tree, where, at, form, value):
        """A field of an item. `value` may be a function of the old one."""
        leaf, number = self.find(tree, *where)
        data = leaf.items[number][1]
        if callable(value):
            value = value(struct.unpack_from("<" + form, data, at)[0])
        struct.pack_into("<" + form, data, at, value)
        leaf.save()

    def remove(self, tree, *where):
        leaf, number = self.find(tree, *where)
        del leaf.items[number]
        leaf.save()

    def rekey(self, tree, where, key):
        leaf, number = self.find(tree, *where)
        leaf.items[number] = (key, leaf.items[number][1])
        leaf.save()

    def insert(self, tree, key, data, root=None):
        """Into the leaf it belongs to, which must have room. `root`: of a tree that has no root item."""
        home = None
        for leaf in self.leaves_below(root) if root else self.leaves(tree):
            if home is not None and leaf.items and leaf.items[0][0] > key:
                break
            home = leaf
        home.items.append((key, bytearray(data)))
        home.save()

    def inode_of(self, tree, name):
        """By its DIR_INDEX."""
        for key, data in self.items(tree):
            if key[1] == DIR_INDEX and bytes(data[30 : 30 + struct.unpack_from("<H", data, 27)[0]]) == name.encode():
                return KEY.unpack_from(data)[0]
        raise LookupError(f"no name {name} in tree {tree}")
