// SPDX-License-Identifier: GPL-2.0-or-later
// SimKernel: system calls on files, as Linux turns them into FUSE requests.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "core/device/recording_device.h"
#include "tests/simkernel/fuse_channel.h"
#include "tests/simkernel/sim_inode.h"

namespace butterfuse::simkernel {

// Calls of several programs run beside each other (SimThreads); each compares what it got with what
// the file must hold, and what is wrong is collected. A call that fails is wrong, too: only what
// must work is asked for.
//
// Modelled is what matters to the daemon: which requests come when, what may come in between, and which
// pages, sizes and attributes the kernel believes afterwards. Pages are dirty without a request when a
// program stores through a mapping; writeback takes a copy of them, and sends it when it likes.
class SimKernel {
 public:
  SimKernel(SimThreads& sim, Trace& trace, FuseChannel& channel, bool writeback_cache);

  // Names of the root of the mount, or of `folder`.
  uint64_t look_up(uint64_t folder, const std::string& name, uint64_t& ino);  // the node; 0: none
  SimInode& inode_of(uint64_t node, uint64_t ino, std::string content);       // an old one, durable as it is
  const std::list<SimInode>& inodes() const { return inodes_; }
  // For SimNames: a file whose node was not known, empty if it is new; a descriptor that came with an
  // answer; whether there is one; and forgetting a file that has none: its content is remembered for when
  // it is looked up again.
  SimInode& file_of(uint64_t node, uint64_t ino);
  SimFile& opened(SimInode& inode, uint64_t fh);
  bool is_open(const SimInode& inode) const;
  void evict(SimInode& inode);

  SimFile& open(SimInode& inode);
  void close(SimFile& file);
  void write(SimFile& file, uint64_t offset, const std::string& text, bool sync);
  void read(SimFile& file, uint64_t offset, uint64_t length);
  void write_direct(SimFile& file, uint64_t offset, const std::string& text);
  void read_direct(SimFile& file, uint64_t offset, uint64_t length);
  // Through a shared mapping; of what is behind the end or being changed nothing is stored.
  void store(SimFile& file, uint64_t offset, const std::string& text);
  void sync(SimFile& file, uint64_t first = 0, uint64_t last = UINT64_MAX);  // fsync; msync with MS_SYNC
  void truncate(SimFile& file, uint64_t size);
  void allocate(SimFile& file, int mode, uint64_t offset, uint64_t length);
  void copy(SimFile& from, uint64_t from_offset, SimFile& to, uint64_t to_offset, uint64_t length);
  void seek(SimFile& file, uint64_t offset, bool data);
  void stat(SimInode& inode);
  void commit(SimFile& file);  // BTRFS_IOC_SYNC

  // What the kernel does by itself.
  void write_back_some(SimInode& inode);
  void drop_clean_pages(SimInode& inode);

  const std::vector<std::string>& problems() const { return problems_; }
  const std::vector<std::string>& events() const { return events_; }

 private:
  class Busy;
  class InodeLock;
  class TwoLocks;
  void complain(const SimInode& inode, const std::string& text);
  void note(const SimInode& inode, std::string text);
  // The time, in the trace's numbers. Nobody else comes in between.
  uint64_t now(const char* mark = "step") {
    const SimThreads::Steady steady(sim_);
    return trace_.mark(mark);
  }
  FuseRequestPtr call(uint32_t opcode, const SimInode& inode, std::initializer_list<ByteSpan> body,
                      const char* what);

  // page_cache.cc
  SimPage& lock_page(SimInode& inode, uint64_t index);
  void fill(SimFile& file, uint64_t index, SimPage& page);
  void read_ahead(SimFile& file, uint64_t index);
  void start_writeback(SimInode& inode, uint64_t first, uint64_t last, bool all);
  void send_page_write(SimInode& inode, PageWrite write);
  void wait_writeback(SimInode& inode, uint64_t first, uint64_t last);
  void flush(SimInode& inode, uint64_t first_byte, uint64_t end_byte);  // and wait
  void stop_writes(SimInode& inode);                                    // none is out any more
  void allow_writes(SimInode& inode);
  // Flush, and wait for all that is out.
  void settle(SimInode& inode, uint64_t first_byte, uint64_t end_byte);
  void on_store(ByteSpan body);
  void invalidate(SimInode& inode, uint64_t first, uint64_t last);  // pages; dirty ones are written
  void zap(SimInode& inode, uint64_t start, uint64_t end);          // bytes; dirty or not
  void on_notification(int code, ByteSpan body);

  // range_calls.cc
  uint64_t copy_some(SimFile& from, uint64_t from_offset, SimFile& to, uint64_t to_offset, uint64_t length);

  // file_calls.cc
  void write_through(SimFile& file, uint64_t offset, const std::string& text);
  void write_cached(SimFile& file, uint64_t offset, const std::string& text);
  void written_to(SimInode& inode, uint64_t end);
  FuseRequestPtr send_write(SimFile& file, uint64_t offset, std::string_view bytes, uint32_t flags,
                            std::function<void(FuseRequest&)> done = {});
  void check_written(const SimInode& inode, const FuseRequest& request, size_t bytes);
  void take_size(SimInode& inode, uint64_t size, uint64_t version, uint64_t begun);
  SimFile* file_to_write(SimInode& inode);

  SimThreads& sim_;
  Trace& trace_;
  FuseChannel& channel_;
  const bool writeback_cache_;
  std::list<SimInode> inodes_;
  std::list<SimFile> files_;
  std::map<uint64_t, ExpectedFile> forgotten_;  // by inode number
  std::vector<std::string> problems_, events_;
};

}  // namespace butterfuse::simkernel
