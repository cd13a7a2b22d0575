// SPDX-License-Identifier: GPL-2.0-or-later
// Workload: what a file holds, and its attributes.
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>

#include "fs/attributes/xattr.h"
#include "fs/control/inode_flags.h"
#include "fs/data/copy_range.h"
#include "fs/data/defragment.h"
#include "fs/data/fallocate.h"
#include "fs/data/file.h"
#include "fs/data/set_attr.h"
#include "tests/crash/workload.h"

namespace butterfuse::crash {
namespace {

constexpr uint32_t kBigFile = 400'000;  // is not made bigger

}  // namespace

void Workload::write(bool append) {
  const uint64_t ino = pick(&ModelInode::is_file);
  if (ino == 0) return;
  const auto size = static_cast<uint32_t>(model_.at(ino).content.size());
  if (size > kBigFile) return;
  uint64_t offset = append ? size : random(size + 1);
  if (!append && random(4) == 0) offset = size + random(60'000);
  perform({.kind = Kind::write, .ino = ino, .offset = offset, .text = data()}, [&](Change& change) -> Status {
    BF_ASSIGN(auto file, open_file(mount_, inode(ino), O_RDWR, {}));
    const WriteRequest request{.offset = offset, .pieces = {as_bytes(change.text)}};
    BF_ASSIGN(const size_t written, write_file(mount_, *file, request, {}));
    if (written < change.text.size() && !may_fill_) return make_error(EIO, "short write of {}", written);
    change.text.resize(written);
    return {};
  });
}

void Workload::resize() {
  const uint64_t ino = pick(&ModelInode::is_file);
  if (ino == 0) return;
  const auto size = static_cast<uint32_t>(model_.at(ino).content.size());
  const uint32_t choices[] = {0, random(size + 1), size + random(30'000)};
  const uint64_t length = choices[random(3)];
  perform({.kind = Kind::resize, .ino = ino, .length = length}, [&](Change&) {
    AttrChange change;
    change.size = length;
    return set_attr(mount_, *inode(ino), change);
  });
}

void Workload::preallocate() {
  const uint64_t ino = pick(&ModelInode::is_file);
  if (ino == 0) return;
  const uint64_t size = model_.at(ino).content.size();
  const uint64_t offset = random(static_cast<uint32_t>(size) + 20'000), length = 1 + random(50'000);
  const bool keep = random(2);
  perform({.kind = Kind::resize, .ino = ino, .length = keep ? size : std::max(size, offset + length)},
          [&](Change&) {
            return fallocate(mount_, *inode(ino), keep ? FALLOC_FL_KEEP_SIZE : 0,
                             ByteRange::at(offset, length));
          });
}

void Workload::punch() {
  const uint64_t ino = pick(&ModelInode::is_file);
  if (ino == 0) return;
  const uint64_t offset = random(static_cast<uint32_t>(model_.at(ino).content.size()) + 1),
                 length = 1 + random(50'000);
  const int mode = FALLOC_FL_KEEP_SIZE | (random(2) ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE);
  perform({.kind = Kind::clear, .ino = ino, .offset = offset, .length = length},
          [&](Change&) { return fallocate(mount_, *inode(ino), mode, ByteRange::at(offset, length)); });
}

// What a call leaves is asked for again, so that the reason is told; lack of space may end it.
Status Workload::copy_what_fits(const CopyRequest& whole, Change& change) {
  for (uint64_t done = 0; done < whole.length;) {
    const auto copied = copy_range(mount_, {whole.from, whole.from_offset + done, whole.to,
                                            whole.to_offset + done, whole.length - done});
    if (copied && *copied > 0) {
      done += *copied;
    } else if (!copied && copied.error().code == ENOSPC && may_fill_ && done > 0) {
      change.text.resize(done);
      break;
    } else {
      return copied ? make_error(EIO, "copied {} of {}", done, whole.length) : tl::unexpected(copied.error());
    }
  }
  return {};
}

void Workload::clone() {
  const uint64_t from = pick(&ModelInode::is_file), to = pick(&ModelInode::is_file);
  if (from == 0 || from == to) return;
  const std::string& source = model_.at(from).content;
  const auto blocks = static_cast<uint32_t>(source.size() / kSectorSize);
  if (blocks == 0) return;
  const uint64_t start = uint64_t{random(blocks)} * kSectorSize;
  const uint64_t length =
      std::min<uint64_t>(source.size() - start, uint64_t{1 + random(blocks)} * kSectorSize);
  const uint64_t target =
      uint64_t{random(static_cast<uint32_t>(model_.at(to).content.size() / kSectorSize) + 2)} * kSectorSize;
  perform({.kind = Kind::write, .ino = to, .offset = target, .text = source.substr(start, length)},
          [&](Change& change) {
            return copy_what_fits({*inode(from), start, *inode(to), target, length}, change);
          });
}

// Any bytes, in one file or from another, over its end as well. What space ends early is done in part.
void Workload::copy() {
  const uint64_t from = pick(&ModelInode::is_file), to = random(4) == 0 ? from : pick(&ModelInode::is_file);
  if (from == 0) return;
  const std::string& source = model_.at(from).content;
  if (source.empty() || model_.at(to).content.size() > kBigFile) return;
  const uint64_t start = random(static_cast<uint32_t>(source.size()));
  const uint64_t length = 1 + random(static_cast<uint32_t>(source.size() - start));
  uint64_t target = random(static_cast<uint32_t>(model_.at(to).content.size()) + 20'000);
  if (random(2))
    target = target / kSectorSize * kSectorSize + start % kSectorSize;  // so that it can be shared
  if (from == to && start < target + length && target < start + length) return;
  perform({.kind = Kind::write, .ino = to, .offset = target, .text = source.substr(start, length)},
          [&](Change& change) {
            return copy_what_fits({*inode(from), start, *inode(to), target, length}, change);
          });
}

// FALLOC_FL_ZERO_RANGE that grows the file.
void Workload::zero() {
  const uint64_t ino = pick(&ModelInode::is_file);
  if (ino == 0 || model_.at(ino).content.size() > kBigFile) return;
  const uint64_t offset = random(static_cast<uint32_t>(model_.at(ino).content.size()) + 5000),
                 length = 1 + random(50'000);
  perform({.kind = Kind::write, .ino = ino, .offset = offset, .text = std::string(length, '\0')},
          [&](Change&) {
            return fallocate(mount_, *inode(ino), FALLOC_FL_ZERO_RANGE, ByteRange::at(offset, length));
          });
}

// Changes no byte.
void Workload::defragment() {
  const uint64_t ino = pick(&ModelInode::is_file);
  if (ino == 0) return;
  const DefragWish wish{.codec = random(2) ? compression_type::kZstd : compression_type::kNone};
  perform({.kind = Kind::clear, .ino = ino},
          [&](Change&) { return butterfuse::defragment(mount_, *inode(ino), wish); });
}

// chattr: one of S, A and d, and of C, c and m. C of files changes while they are empty, and from C to c or m
// leads no way but over neither. S is of files only: a name in such a directory that can't be made durable is
// told as an error, and is there all the same, while the model has a failed change done or not done.
void Workload::set_flags() {
  const uint64_t ino = random(3) ? pick(&ModelInode::is_file) : pick(&ModelInode::is_dir);
  if (ino == 0) return;
  static constexpr uint32_t kForms[] = {0, FS_NOCOW_FL, FS_NOCOW_FL, FS_COMPR_FL, FS_NOCOMP_FL};
  static constexpr uint32_t kOthers[] = {0, FS_NOATIME_FL, FS_NODUMP_FL, FS_SYNC_FL};
  const ModelInode& target = model_.at(ino);
  uint32_t form = kForms[random(5)];
  const bool is_nocow = target.flags & FS_NOCOW_FL, has_codec = target.flags & (FS_COMPR_FL | FS_NOCOMP_FL);
  if (is_nocow && (form != 0 || !target.content.empty())) form = FS_NOCOW_FL;
  if (form == FS_NOCOW_FL && !is_nocow && (has_codec || !target.content.empty())) form = 0;
  perform({.kind = Kind::set_flags, .ino = ino, .flags = form | kOthers[random(target.is_dir() ? 3 : 4)]},
          [&](Change& change) -> Status {
            const InodePtr changed = inode(ino);
            BF_TRY(set_fs_flags(mount_, *changed, change.flags));
            change.flags = get_fs_flags(*changed);
            return {};
          });
}

Result<std::string> Workload::content_of(uint64_t ino) {
  InodePtr target = inode(ino);
  const uint64_t size = target->item().size;
  BF_ASSIGN(auto file, open_file(mount_, std::move(target), O_RDONLY, {}));
  std::string content;
  BF_TRY(read_file(mount_, *file, 0, size, [&](const std::vector<ByteSpan>& pieces) {
    for (const ByteSpan piece : pieces) content += as_text(piece);
  }));
  return content;
}

// Changes a time of access at most.
void Workload::read() {
  const uint64_t ino = pick(&ModelInode::is_file);
  if (ino == 0) return;
  const auto content = content_of(ino);
  if (!content) {
    status_ = make_error(content.error().code, "read of inode {}: {}", ino, content.error().message);
  } else if (*content != model_.at(ino).content) {
    status_ = make_error(EIO, "inode {} reads as {} other bytes, not the {} written", ino, content->size(),
                         model_.at(ino).content.size());
  }
}

void Workload::set_mode() {
  const uint64_t ino = pick(&ModelInode::is_file);
  if (ino == 0) return;
  const uint32_t mode = 0600 | (random(8) << 3) | random(8);
  perform({.kind = Kind::set_mode, .ino = ino, .mode = mode}, [&](Change&) {
    AttrChange change;
    change.mode = mode;
    return set_attr(mount_, *inode(ino), change);
  });
}

void Workload::set_xattr() {
  const uint64_t ino = random(3) ? pick(&ModelInode::is_file) : pick(&ModelInode::is_dir);
  if (ino == 0) return;
  const std::string name = std::string("user.") + static_cast<char>('x' + random(3));
  if (model_.at(ino).xattrs.contains(name) && random(2)) {
    return perform({.kind = Kind::remove_xattr, .ino = ino, .name = name},
                   [&](Change&) { return remove_xattr(mount_, *inode(ino), name); });
  }
  perform({.kind = Kind::set_xattr, .ino = ino, .name = name, .text = std::string(1 + random(600), 'v')},
          [&](Change& change) {
            change.text[0] = static_cast<char>('a' + random(26));
            return butterfuse::set_xattr(mount_, *inode(ino), {.name = name, .value = as_bytes(change.text)});
          });
}

}  // namespace butterfuse::crash
