// SPDX-License-Identifier: GPL-2.0-or-later
// SimKernel: names, open and close, reads and writes, mappings, fsync.
#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/stat.h>

#include <algorithm>

#include "core/base/assert.h"
#include "tests/simkernel/sim_calls.h"

namespace butterfuse::simkernel {
namespace {

constexpr uint64_t kPagesPerRequest = 32;
constexpr uint32_t kIocSync = 0x9408;  // BTRFS_IOC_SYNC

template <class Body>
Body body_of(const FuseRequest& answer, size_t offset = 0) {
  BF_ASSERT(answer.answer.size() >= offset + sizeof(Body), "an answer of {} bytes", answer.answer.size());
  return load<Body>(ByteSpan(answer.answer).subspan(offset));
}

}  // namespace

SimKernel::SimKernel(SimThreads& sim, Trace& trace, FuseChannel& channel, bool writeback_cache)
    : sim_(sim), trace_(trace), channel_(channel), writeback_cache_(writeback_cache) {
  channel_.on_notification = [this](int code, ByteSpan body) { on_notification(code, body); };
}

void SimKernel::complain(const SimInode& inode, const std::string& text) {
  problems_.push_back(fmt::format("inode {}: {}", inode.expected.ino(), text));
  note(inode, "WRONG: " + text);
}

void SimKernel::note(const SimInode& inode, std::string text) {
  events_.push_back(fmt::format("{}: inode {}: {}", now(), inode.expected.ino(), text));
}

FuseRequestPtr SimKernel::call(uint32_t opcode, const SimInode& inode, std::initializer_list<ByteSpan> body,
                               const char* what) {
  FuseRequestPtr answer = channel_.call(opcode, inode.node, body);
  if (answer->error != 0) complain(inode, fmt::format("{} fails with error {}", what, answer->error));
  return answer;
}

// ---- names ----

uint64_t SimKernel::look_up(uint64_t folder, const std::string& name, uint64_t& ino) {
  const auto answer = channel_.call(FUSE_LOOKUP, folder, {as_bytes({name.c_str(), name.size() + 1})});
  if (answer->error != 0) return 0;
  const auto entry = body_of<fuse_entry_out>(*answer);
  ino = entry.attr.ino;
  return entry.nodeid;
}

SimInode& SimKernel::inode_of(uint64_t node, uint64_t ino, std::string content) {
  return inodes_.emplace_back(node, ino, std::move(content));
}

SimInode& SimKernel::file_of(uint64_t node, uint64_t ino) {
  const auto known = forgotten_.find(ino);
  SimInode& inode = inode_of(node, ino, known == forgotten_.end() ? std::string() : known->second.content());
  if (known != forgotten_.end()) {
    inode.expected = std::move(known->second);
    forgotten_.erase(known);
  }
  return inode;
}

SimFile& SimKernel::opened(SimInode& inode, uint64_t fh) {
  return files_.emplace_back(SimFile{.inode = inode, .fh = fh});
}

bool SimKernel::is_open(const SimInode& inode) const {
  return std::any_of(files_.begin(), files_.end(),
                     [&](const SimFile& file) { return &file.inode == &inode; });
}

void SimKernel::evict(SimInode& inode) {
  sim_.wait_until([&] { return inode.notifications == 0; });
  for (const auto& [index, page] : inode.pages)
    BF_ASSERT(!page.dirty && !page.writeback, "page {} of node {} is dirty, and no file is open", index,
              inode.node);
  forgotten_.emplace(inode.expected.ino(), std::move(inode.expected));
  inodes_.remove_if([&](const SimInode& one) { return &one == &inode; });
}

SimFile& SimKernel::open(SimInode& inode) {
  fuse_open_in in{};
  in.flags = O_RDWR;
  const auto out = body_of<fuse_open_out>(*call(FUSE_OPEN, inode, {object_bytes(in)}, "open"));
  files_.push_back({.inode = inode, .fh = out.fh, .no_flush = (out.open_flags & FOPEN_NOFLUSH) != 0});
  SimFile& file = files_.back();
  if (!(out.open_flags & FOPEN_KEEP_CACHE)) invalidate(inode, 0, UINT64_MAX);
  return file;
}

void SimKernel::close(SimFile& file) {
  SimInode& inode = file.inode;
  if (!file.no_flush || writeback_cache_) {
    flush(inode, 0, UINT64_MAX);
    const InodeLock lock(*this, inode);
    settle(inode, 0, 0);
  }
  --file.users;
  sim_.wait_until([&] { return file.users == 0; });
  fuse_release_in in{};
  in.fh = file.fh, in.flags = O_RDWR;
  call(FUSE_RELEASE, inode, {object_bytes(in)}, "release");
  files_.remove_if([&](const SimFile& one) { return &one == &file; });
}

SimFile* SimKernel::file_to_write(SimInode& inode) {
  for (SimFile& file : files_)
    if (&file.inode == &inode && file.users > 0) return &file;
  return nullptr;
}

// ---- writes ----

FuseRequestPtr SimKernel::send_write(SimFile& file, uint64_t offset, std::string_view bytes, uint32_t flags,
                                     std::function<void(FuseRequest&)> done) {
  fuse_write_in in{};
  in.fh = file.fh, in.offset = offset, in.size = static_cast<uint32_t>(bytes.size());
  in.write_flags = flags, in.flags = O_RDWR;
  return channel_.send(FUSE_WRITE, file.inode.node, {object_bytes(in), as_bytes(bytes)}, std::move(done));
}

void SimKernel::check_written(const SimInode& inode, const FuseRequest& request, size_t bytes) {
  if (request.error != 0) return complain(inode, fmt::format("write fails with error {}", request.error));
  const auto out = body_of<fuse_write_out>(request);
  if (out.size != bytes) complain(inode, fmt::format("write: {} of {} bytes", out.size, bytes));
}

void SimKernel::written_to(SimInode& inode, uint64_t end) {
  ++inode.attr_version;
  inode.attr_valid = false;
  inode.size = std::max(inode.size, end);
}

void SimKernel::write(SimFile& file, uint64_t offset, const std::string& text, bool sync_it) {
  SimInode& inode = file.inode;
  {
    const InodeLock lock(*this, inode);
    const Busy busy = Busy::bytes(inode, offset, offset + text.size());
    const size_t change = inode.expected.begin(now(), with_text(inode.expected.content(), offset, text));
    note(inode, fmt::format("write of {} bytes at {}", text.size(), offset));
    writeback_cache_ ? write_cached(file, offset, text) : write_through(file, offset, text);
    inode.expected.end(change, now());
  }
  if (sync_it) sync(file, offset, offset + text.size());
}

// Pages that are uptodate are changed before the daemon is told;
// others stay locked until it knows, and unknown.
void SimKernel::write_through(SimFile& file, uint64_t offset, const std::string& text) {
  SimInode& inode = file.inode;
  size_t done = 0;
  while (done < text.size()) {
    const uint64_t start = offset + done;
    uint64_t at = start;
    SimPage* partial = nullptr;
    for (uint64_t pages = 0; pages < kPagesPerRequest && at < offset + text.size() && !partial; ++pages) {
      SimPage& page = lock_page(inode, at / kSimPage);
      const uint64_t within = at % kSimPage;
      const uint64_t bytes = std::min(kSimPage - within, offset + text.size() - at);
      page.bytes.replace(within, bytes, text, at - offset, bytes);
      page.uptodate |= bytes == kSimPage;
      if (page.uptodate) {
        page.locked = false;
      } else {
        partial = &page;
      }
      at += bytes;
      sim_.pause();
    }
    wait_writeback(inode, start / kSimPage, (at - 1) / kSimPage);
    const auto request = send_write(file, start, std::string_view(text).substr(done, at - start), 0);
    channel_.wait(*request);
    check_written(inode, *request, at - start);
    written_to(inode, at);
    if (partial != nullptr) inode.pages.erase((at - 1) / kSimPage);
    done += at - start;
  }
}

void SimKernel::write_cached(SimFile& file, uint64_t offset, const std::string& text) {
  SimInode& inode = file.inode;
  for (uint64_t at = offset; at < offset + text.size();) {
    SimPage& page = lock_page(inode, at / kSimPage);
    const uint64_t within = at % kSimPage;
    const uint64_t bytes = std::min(kSimPage - within, offset + text.size() - at);
    wait_writeback(inode, at / kSimPage, at / kSimPage);
    const bool exists = at / kSimPage * kSimPage < inode.size;
    if (!page.uptodate && bytes < kSimPage && exists) fill(file, at / kSimPage, page);
    page.bytes.replace(within, bytes, text, at - offset, bytes);
    page.uptodate = page.dirty = true;
    page.locked = false;
    at += bytes;
    written_to(inode, at);
    sim_.pause();
  }
}

void SimKernel::store(SimFile& file, uint64_t offset, const std::string& text) {
  SimInode& inode = file.inode;
  for (size_t done = 0; done < text.size();) {
    const uint64_t at = offset + done, index = at / kSimPage, within = at % kSimPage;
    const size_t bytes = std::min<size_t>(kSimPage - within, text.size() - done);
    // Only full requests behind each other: the page may go, or get busy, while we wait for it.
    for (;;) {
      if (inode.is_busy(at, at + bytes) || at + bytes > inode.size) return;
      SimPage* page = inode.find(index);
      if (page == nullptr) {
        SimPage& fresh = lock_page(inode, index);
        if (!fresh.uptodate) fill(file, index, fresh);
        fresh.locked = false;
        continue;
      }
      if (page->uptodate && !page->locked && !page->writeback) break;
      if (!page->uptodate && !page->locked && !page->writeback) inode.pages.erase(index);
      sim_.wait_until([&] {
        const SimPage* held = inode.find(index);
        return held == nullptr || (!held->locked && !held->writeback);
      });
    }
    SimPage& page = inode.pages.at(index);
    const std::string part = text.substr(done, bytes);
    const size_t change = inode.expected.begin(now(), with_text(inode.expected.content(), at, part));
    page.bytes.replace(within, bytes, part);
    page.dirty = true;
    inode.expected.end(change, now());
    note(inode, fmt::format("store of {} bytes at {}", bytes, at));
    done += bytes;
    sim_.pause();
  }
}

void SimKernel::sync(SimFile& file, uint64_t first, uint64_t last) {
  SimInode& inode = file.inode;
  const InodeLock lock(*this, inode);
  const uint64_t begun = now(), size = inode.size;
  note(inode, fmt::format("fsync of {} to {} begins", first, last));
  settle(inode, first, last);
  fuse_fsync_in in{};
  in.fh = file.fh;
  const auto answer = call(FUSE_FSYNC, inode, {object_bytes(in)}, "fsync");
  if (answer->error != 0) return;
  const uint64_t ended = now("ack");
  // With its writeback cache the kernel alone may know what made the file longer,
  // and it is not in that range.
  inode.expected.promise(begun, ended, first, last, !writeback_cache_ || last >= size);
  note(inode, "fsync ends");
}

// ---- reads and attributes ----

void SimKernel::read(SimFile& file, uint64_t offset, uint64_t length) {
  SimInode& inode = file.inode;
  const uint64_t begun = now();
  if (offset + length > inode.size && !inode.attr_valid) stat(inode);
  std::string found;
  for (uint64_t at = offset; at < offset + length && at < inode.size;) {
    const uint64_t index = at / kSimPage, within = at % kSimPage;
    if (inode.find(index) == nullptr && sim_.random(4) != 0) read_ahead(file, index);
    SimPage& page = lock_page(inode, index);
    if (!page.uptodate) fill(file, index, page);
    page.locked = false;
    if (at >= inode.size) break;
    const uint64_t bytes = std::min({kSimPage - within, offset + length - at, inode.size - at});
    found.append(page.bytes, within, bytes);
    at += bytes;
    sim_.pause();
  }
  const std::string problem = inode.expected.problem_of_read(found, offset, length, begun, now());
  if (!problem.empty()) complain(inode, problem);
}

// An answer that was on its way while something changed counts for nothing.
void SimKernel::take_size(SimInode& inode, uint64_t size, uint64_t version, uint64_t begun) {
  if (writeback_cache_ || version != inode.attr_version || inode.size_unstable) return;
  inode.attr_valid = true;
  const std::string problem = inode.expected.problem_of_size(size, begun, now());
  if (!problem.empty()) complain(inode, "attributes: " + problem);
}

void SimKernel::stat(SimInode& inode) {
  const uint64_t version = inode.attr_version, begun = now();
  const auto answer = call(FUSE_GETATTR, inode, {object_bytes(fuse_getattr_in{})}, "stat");
  if (answer->error == 0) take_size(inode, body_of<fuse_attr_out>(*answer).attr.size, version, begun);
}

void SimKernel::commit(SimFile& file) {
  fuse_ioctl_in in{};
  in.fh = file.fh, in.cmd = kIocSync;
  note(file.inode, "commit");
  call(FUSE_IOCTL, file.inode, {object_bytes(in)}, "ioctl");
}

}  // namespace butterfuse::simkernel
