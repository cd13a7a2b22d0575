// SPDX-License-Identifier: GPL-2.0-or-later
// SimKernel: pages, their writeback, and what makes them go.
#include <linux/fuse.h>

#include <algorithm>

#include "core/base/assert.h"
#include "tests/simkernel/sim_kernel.h"

namespace butterfuse::simkernel {
namespace {

constexpr uint64_t kPagesPerRequest = 32;
constexpr uint64_t kReadaheadPages = 32;

}  // namespace

SimPage& SimKernel::lock_page(SimInode& inode, uint64_t index) {
  sim_.wait_until([&] {
    const SimPage* page = inode.find(index);
    return page == nullptr || !page->locked;
  });
  SimPage& page = inode.pages[index];
  page.locked = true;
  return page;
}

// ---- from the daemon ----

namespace {

void take_read(SimInode& inode, uint64_t first, uint64_t count, const FuseRequest& answer) {
  for (uint64_t i = 0; i < count; ++i) {
    SimPage& page = inode.pages[first + i];
    const std::string_view bytes = as_text(answer.answer);
    const std::string_view here = i * kSimPage < bytes.size() ? bytes.substr(i * kSimPage, kSimPage) : "";
    page.bytes.assign(here);
    page.bytes.resize(kSimPage, '\0');
    page.uptodate = true, page.locked = false;
  }
}

fuse_read_in read_of(const SimFile& file, uint64_t first, uint64_t count) {
  fuse_read_in in{};
  in.fh = file.fh, in.offset = first * kSimPage, in.size = static_cast<uint32_t>(count * kSimPage);
  return in;
}

}  // namespace

// REQUIRES that the page is locked by the caller; it stays so.
void SimKernel::fill(SimFile& file, uint64_t index, SimPage& page) {
  const auto answer = call(FUSE_READ, file.inode, {object_bytes(read_of(file, index, 1))}, "read");
  page.bytes.assign(as_text(answer->answer));
  page.bytes.resize(kSimPage, '\0');
  page.uptodate = true;
}

// Several requests, whose pages are locked until each is answered.
void SimKernel::read_ahead(SimFile& file, uint64_t index) {
  SimInode& inode = file.inode;
  const uint64_t end =
      std::min((inode.size + kSimPage - 1) / kSimPage, index + 1 + sim_.random(kReadaheadPages));
  while (index < end) {
    uint64_t count = 0;
    const uint64_t most = 1 + sim_.random(kPagesPerRequest);
    while (count < most && index + count < end && inode.find(index + count) == nullptr)
      inode.pages[index + count++].locked = true;
    if (count == 0) {
      ++index;
      continue;
    }
    ++file.users;
    channel_.send(FUSE_READ, inode.node, {object_bytes(read_of(file, index, count))},
                  [this, &inode, &file, index, count](FuseRequest& answer) {
                    if (answer.error != 0) complain(inode, fmt::format("read ahead: error {}", answer.error));
                    take_read(inode, index, count, answer);
                    --file.users;
                  });
    index += count;
  }
}

// ---- to the daemon ----

// Begins writeback of dirty pages in [first, last]: of all, waiting for what keeps one back,
// or of those that are free.
void SimKernel::start_writeback(SimInode& inode, uint64_t first, uint64_t last, bool all) {
  for (;;) {
    auto place = inode.pages.lower_bound(first);
    while (place != inode.pages.end() && place->first <= last && !place->second.dirty) ++place;
    if (place == inode.pages.end() || place->first > last) return;
    const uint64_t index = place->first;
    if (place->second.locked || place->second.writeback) {
      first = index + (all ? 0 : 1);
      if (all)
        sim_.wait_until([&] {
          const SimPage* page = inode.find(index);
          return page == nullptr || (!page->locked && !page->writeback);
        });
      continue;
    }
    PageWrite write{.first = index, .bytes = {}};
    const uint64_t most = sim_.random(2) ? kPagesPerRequest : 1 + sim_.random(4);
    uint64_t at = index;
    for (; at <= last && at - index < most; ++at) {
      SimPage* page = inode.find(at);
      if (page == nullptr || !page->dirty || page->locked || page->writeback) break;
      page->dirty = false, page->writeback = true;
      write.bytes += page->bytes;
    }
    first = at;
    if (inode.no_write) {
      inode.queued.push_back(std::move(write));
    } else {
      send_page_write(inode, std::move(write));
    }
    sim_.pause();
  }
}

// What lies behind the end is not sent.
void SimKernel::send_page_write(SimInode& inode, PageWrite write) {
  const uint64_t start = write.first * kSimPage, pages = write.bytes.size() / kSimPage;
  const auto finish = [&inode, first = write.first, pages] {
    for (uint64_t i = 0; i < pages; ++i)
      if (SimPage* page = inode.find(first + i)) page->writeback = false;
  };
  if (start >= inode.size) return finish();
  write.bytes.resize(std::min<uint64_t>(write.bytes.size(), inode.size - start));
  SimFile* file = file_to_write(inode);
  BF_ASSERT(file != nullptr, "node {} has dirty pages, and no file is open", inode.node);
  ++inode.writes_out, ++file->users;
  const size_t bytes = write.bytes.size();
  note(inode, fmt::format("writeback of {} bytes at {}", bytes, start));
  send_write(*file, start, write.bytes, FUSE_WRITE_CACHE,
             [this, &inode, file, bytes, finish](FuseRequest& answer) {
               check_written(inode, answer, bytes);
               finish();
               --inode.writes_out, --file->users;
             });
}

void SimKernel::wait_writeback(SimInode& inode, uint64_t first, uint64_t last) {
  for (auto place = inode.pages.lower_bound(first); place != inode.pages.end() && place->first <= last;) {
    const uint64_t index = place->first;
    sim_.wait_until([&] {
      const SimPage* page = inode.find(index);
      return page == nullptr || !page->writeback;
    });
    place = inode.pages.upper_bound(index);
  }
}

void SimKernel::flush(SimInode& inode, uint64_t first_byte, uint64_t end_byte) {
  if (first_byte >= end_byte) return;
  start_writeback(inode, first_byte / kSimPage, (end_byte - 1) / kSimPage, true);
  wait_writeback(inode, first_byte / kSimPage, (end_byte - 1) / kSimPage);
}

void SimKernel::stop_writes(SimInode& inode) {
  inode.no_write = true;
  sim_.wait_until([&] { return inode.writes_out == 0; });
}

void SimKernel::allow_writes(SimInode& inode) {
  inode.no_write = false;
  while (!inode.queued.empty()) {
    PageWrite write = std::move(inode.queued.front());
    inode.queued.pop_front();
    send_page_write(inode, std::move(write));
  }
}

void SimKernel::settle(SimInode& inode, uint64_t first_byte, uint64_t end_byte) {
  flush(inode, first_byte, end_byte);
  stop_writes(inode);
  allow_writes(inode);
}

void SimKernel::write_back_some(SimInode& inode) {
  if (inode.pages.empty()) return;
  const uint64_t last = inode.pages.rbegin()->first;
  const uint64_t first = sim_.random(3) == 0 ? 0 : sim_.random(last + 1);
  start_writeback(inode, first, sim_.random(2) ? last : first + sim_.random(8), false);
}

// ---- away ----

void SimKernel::drop_clean_pages(SimInode& inode) {
  std::erase_if(inode.pages, [&](const auto& entry) {
    const SimPage& page = entry.second;
    return !page.dirty && !page.locked && !page.writeback && sim_.random(4) != 0;
  });
}

void SimKernel::invalidate(SimInode& inode, uint64_t first, uint64_t last) {
  for (auto place = inode.pages.lower_bound(first); place != inode.pages.end() && place->first <= last;) {
    const uint64_t index = place->first;
    for (;;) {
      SimPage* page = inode.find(index);
      if (page == nullptr) break;
      if (!page->locked && !page->writeback && !page->dirty) {
        inode.pages.erase(index);
        break;
      }
      if (page->dirty && !page->locked && !page->writeback) start_writeback(inode, index, index, true);
      sim_.wait_until([&] {
        const SimPage* held = inode.find(index);
        return held == nullptr || (!held->locked && !held->writeback);
      });
    }
    place = inode.pages.upper_bound(index);
  }
}

void SimKernel::zap(SimInode& inode, uint64_t start, uint64_t end) {
  for (auto place = inode.pages.lower_bound(start / kSimPage);
       place != inode.pages.end() && place->first * kSimPage < end;) {
    const uint64_t index = place->first;
    sim_.wait_until([&] {
      const SimPage* page = inode.find(index);
      return page == nullptr || (!page->locked && !page->writeback);
    });
    if (SimPage* page = inode.find(index)) {
      const uint64_t from = std::max(start, index * kSimPage) - index * kSimPage;
      const uint64_t to = std::min(end - index * kSimPage, kSimPage);
      if (from == 0 && to == kSimPage) {
        inode.pages.erase(index);
      } else {
        page->bytes.replace(from, to - from, to - from, '\0');
      }
    }
    place = inode.pages.upper_bound(index);
  }
}

// Into pages that are there; others are of no use to anybody until they are read.
void SimKernel::on_store(ByteSpan body) {
  const auto out = load<fuse_notify_store_out>(body);
  const std::string_view bytes = as_text(body.subspan(sizeof out, out.size));
  for (SimInode& inode : inodes_) {
    if (inode.node != out.nodeid) continue;
    note(inode, fmt::format("{} bytes at {} are stored by the daemon", bytes.size(), uint64_t{out.offset}));
    const uint64_t index = out.offset / kSimPage, in_page = out.offset % kSimPage;
    BF_ASSERT(in_page + bytes.size() <= kSimPage, "a store of more than a page is not simulated");
    if (inode.find(index) != nullptr) {
      SimPage& page = lock_page(inode, index);
      page.bytes.replace(in_page, bytes.size(), bytes);
      page.locked = false;
    }
    inode.size = std::max<uint64_t>(inode.size, out.offset + bytes.size());
    return;
  }
}

// The daemon waits until it is done.
void SimKernel::on_notification(int code, ByteSpan body) {
  if (code == FUSE_NOTIFY_STORE && body.size() >= sizeof(fuse_notify_store_out)) return on_store(body);
  BF_ASSERT(code == FUSE_NOTIFY_INVAL_INODE && body.size() >= sizeof(fuse_notify_inval_inode_out),
            "notification {} is not simulated", code);
  const auto out = load<fuse_notify_inval_inode_out>(body);
  for (SimInode& inode : inodes_) {
    if (inode.node != out.ino) continue;
    ++inode.attr_version;
    inode.attr_valid = false;
    if (out.off < 0) return;
    const auto start = static_cast<uint64_t>(out.off);
    const uint64_t end = out.len <= 0 ? UINT64_MAX : start + static_cast<uint64_t>(out.len);
    note(inode, fmt::format("pages from {} are invalidated by the daemon", start));
    ++inode.notifications;
    invalidate(inode, start / kSimPage, (end - 1) / kSimPage);
    --inode.notifications;
    return;
  }
}

}  // namespace butterfuse::simkernel
