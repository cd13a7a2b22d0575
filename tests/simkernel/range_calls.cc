// SPDX-License-Identifier: GPL-2.0-or-later
// SimKernel: O_DIRECT, truncate, fallocate, copy_file_range, lseek.
#include <errno.h>
#include <linux/falloc.h>
#include <linux/fuse.h>
#include <unistd.h>

#include <algorithm>

#include "core/base/assert.h"
#include "tests/simkernel/sim_calls.h"

namespace butterfuse::simkernel {
namespace {

constexpr uint64_t kDirectBytes = 128 << 10;  // of one request

bool is_zero(const std::string& content, uint64_t from, uint64_t to) {
  for (uint64_t at = from; at < std::min<uint64_t>(to, content.size()); ++at)
    if (content[at] != 0) return false;
  return true;
}

}  // namespace

// Pages are written and dropped before, and dropped again behind it. What makes the file longer goes piece by
// piece, each of which a crash may find as the last, the rest at once.
void SimKernel::write_direct(SimFile& file, uint64_t offset, const std::string& text) {
  SimInode& inode = file.inode;
  const InodeLock lock(*this, inode);
  const uint64_t end = offset + text.size();
  const Busy busy(inode, offset, end);
  const bool extends = end > inode.size;
  const auto begin = [&](const std::string& part, uint64_t at) {
    return inode.expected.begin(now(), with_text(inode.expected.content(), at, part));
  };
  const size_t whole = extends ? 0 : begin(text, offset);
  note(inode, fmt::format("direct write of {} bytes at {}", text.size(), offset));
  flush(inode, offset, end);
  invalidate(inode, offset / kSimPage, (end - 1) / kSimPage);
  std::vector<std::pair<FuseRequestPtr, size_t>> requests;
  for (size_t done = 0; done < text.size();) {
    const size_t bytes = std::min<size_t>(text.size() - done, sim_.random(2) ? kDirectBytes : 2 * kSimPage);
    const std::string part = text.substr(done, bytes);
    const size_t piece = extends ? begin(part, offset + done) : 0;
    requests.emplace_back(send_write(file, offset + done, part, 0), bytes);
    if (extends) {
      channel_.wait(*requests.back().first);
      inode.expected.end(piece, now());
    }
    done += bytes;
  }
  for (const auto& [request, bytes] : requests) {
    channel_.wait(*request);
    check_written(inode, *request, bytes);
  }
  written_to(inode, end);
  invalidate(inode, offset / kSimPage, (end - 1) / kSimPage);
  if (!extends) inode.expected.end(whole, now());
}

void SimKernel::read_direct(SimFile& file, uint64_t offset, uint64_t length) {
  SimInode& inode = file.inode;
  const uint64_t begun = now();
  flush(inode, offset, offset + length);
  fuse_read_in in{};
  in.fh = file.fh, in.offset = offset, in.size = static_cast<uint32_t>(length);
  const auto answer = call(FUSE_READ, inode, {object_bytes(in)}, "direct read");
  if (writeback_cache_) return;  // stores made meanwhile count, pages written before do not
  const std::string problem =
      inode.expected.problem_of_read(std::string(as_text(answer->answer)), offset, length, begun, now());
  if (!problem.empty()) complain(inode, "direct " + problem);
}

void SimKernel::truncate(SimFile& file, uint64_t size) {
  SimInode& inode = file.inode;
  const InodeLock lock(*this, inode);
  const Busy busy(inode, std::min(size, inode.size), UINT64_MAX);
  std::string content = inode.expected.content();
  content.resize(size, '\0');
  const size_t change = inode.expected.begin(now(), std::move(content));
  note(inode, fmt::format("truncate to {}", size));
  stop_writes(inode);
  inode.size_unstable = true;
  fuse_setattr_in in{};
  in.valid = FATTR_SIZE | FATTR_FH, in.fh = file.fh, in.size = size;
  call(FUSE_SETATTR, inode, {object_bytes(in)}, "truncate");
  const uint64_t old_size = inode.size;
  inode.size = size;
  ++inode.attr_version;
  inode.size_unstable = false;
  allow_writes(inode);
  if (old_size != size) {
    zap(inode, size, UINT64_MAX - kSimPage);
    invalidate(inode, 0, UINT64_MAX);
  }
  inode.expected.end(change, now());
}

void SimKernel::allocate(SimFile& file, int mode, uint64_t offset, uint64_t length) {
  SimInode& inode = file.inode;
  const InodeLock lock(*this, inode);
  const bool clears = mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE);
  const bool keeps_size = mode & FALLOC_FL_KEEP_SIZE;
  const uint64_t end = offset + length;
  const Busy busy(inode, offset, end);
  std::string content = inode.expected.content();
  if (clears && offset < content.size()) {
    const uint64_t bytes = std::min<uint64_t>(end, content.size()) - offset;
    content.replace(offset, bytes, bytes, '\0');
  }
  if (!keeps_size) content.resize(std::max<uint64_t>(content.size(), end), '\0');
  const size_t change = inode.expected.begin(now(), std::move(content));
  note(inode, fmt::format("fallocate, mode {}, of {} bytes at {}", mode, length, offset));
  settle(inode, offset, end);
  if (!keeps_size) inode.size_unstable = true;
  fuse_fallocate_in in{};
  in.fh = file.fh, in.offset = offset, in.length = length, in.mode = static_cast<uint32_t>(mode);
  call(FUSE_FALLOCATE, inode, {object_bytes(in)}, "fallocate");
  if (!keeps_size) written_to(inode, end);
  if (clears) zap(inode, offset, end);
  inode.size_unstable = false;
  inode.attr_valid = false;
  inode.expected.end(change, now());
}

// A short answer is one: what it leaves is as before, and programs go on from there.
void SimKernel::copy(SimFile& from, uint64_t from_offset, SimFile& to, uint64_t to_offset, uint64_t length) {
  const TwoLocks locks(*this, from.inode, to.inode);
  if (from_offset + length > from.inode.size) return;
  const Busy still(from.inode, from_offset, from_offset + length);
  while (length > 0) {
    const uint64_t copied = copy_some(from, from_offset, to, to_offset, length);
    if (copied == 0) return complain(to.inode, fmt::format("nothing of {} bytes is copied", length));
    from_offset += copied, to_offset += copied, length -= copied;
  }
}

uint64_t SimKernel::copy_some(SimFile& from, uint64_t from_offset, SimFile& to, uint64_t to_offset,
                              uint64_t length) {
  SimInode& source = from.inode;
  SimInode& target = to.inode;
  const Busy busy(target, to_offset, to_offset + length);
  const std::string text = source.expected.content().substr(from_offset, length);
  const std::string before = target.expected.content();
  const size_t change = target.expected.begin(now(), with_text(before, to_offset, text));
  note(target, fmt::format("copy of {} bytes to {} from {} of inode {}", length, to_offset, from_offset,
                           source.expected.ino()));
  // With its writeback cache the kernel may believe a size that is of pages behind the range, which it does
  // not send: the daemon would have nothing to copy.
  settle(source, from_offset, writeback_cache_ ? UINT64_MAX : from_offset + length);
  settle(target, to_offset, to_offset + length);
  target.size_unstable = true;
  fuse_copy_file_range_in in{};
  in.fh_in = from.fh, in.off_in = from_offset, in.nodeid_out = target.node, in.fh_out = to.fh;
  in.off_out = to_offset, in.len = length;
  const auto answer = call(FUSE_COPY_FILE_RANGE, source, {object_bytes(in)}, "copy_file_range");
  const uint64_t copied =
      answer->error == 0 ? std::min<uint64_t>(load<fuse_write_out>(answer->answer).size, length) : 0;
  const uint64_t end = to_offset + copied;
  zap(target, to_offset / kSimPage * kSimPage, (end + kSimPage - 1) / kSimPage * kSimPage);
  if (copied > 0) written_to(target, end);
  target.size_unstable = false;
  if (copied < length) {
    note(target, fmt::format("{} bytes are copied", copied));
    std::string content = target.expected.content();
    for (uint64_t at = end; at < to_offset + length; ++at)
      content[at] = at < before.size() ? before[at] : '\0';
    content.resize(std::max<size_t>(before.size(), end));
    target.expected.end(target.expected.begin(now(), std::move(content)), now());
  }
  target.expected.end(change, now());
  return copied;
}

// What is said to be a hole reads as zeros, what is said to be data may.
void SimKernel::seek(SimFile& file, uint64_t offset, bool data) {
  SimInode& inode = file.inode;
  const InodeLock lock(*this, inode);
  const std::string content = inode.expected.content();
  fuse_lseek_in in{};
  in.fh = file.fh, in.offset = offset, in.whence = data ? SEEK_DATA : SEEK_HOLE;
  const auto answer = channel_.call(FUSE_LSEEK, inode.node, {object_bytes(in)});
  const char* const what = data ? "SEEK_DATA" : "SEEK_HOLE";
  if (answer->error == ENXIO && (data || offset >= content.size())) {
    if (!is_zero(content, offset, UINT64_MAX))
      complain(inode, fmt::format("{} from {} finds no data, but there is", what, offset));
    return;
  }
  if (answer->error != 0) return complain(inode, fmt::format("{} fails with error {}", what, answer->error));
  const uint64_t found = load<fuse_lseek_out>(answer->answer).offset;
  if (found < offset || found > content.size())
    return complain(inode,
                    fmt::format("{} from {} of {} bytes gives {}", what, offset, content.size(), found));
  const bool holds =
      data ? is_zero(content, offset, found)
           : is_zero(content, found,
                     std::min<uint64_t>(found / kSimPage * kSimPage + kSimPage, found + kSimPage));
  if (!holds) complain(inode, fmt::format("{} from {} gives {}, against what is there", what, offset, found));
}

}  // namespace butterfuse::simkernel
