// SPDX-License-Identifier: GPL-2.0-or-later
// FileWorker: a thread that works on its zones of the shared files.
#pragma once

#include <map>

#include "tests/seams/calls.h"
#include "tests/seams/mapping.h"

namespace butterfuse::seams {

class FileWorker : public Calls {
 public:
  using Calls::Calls;
  ~FileWorker() override { close_all(); }

 private:
  // One of this thread's zones.
  struct Spot {
    SharedFile* file = nullptr;
    size_t zone = 0;
    bool is_tail() const { return zone + 1 == file->model->zones(); }
  };

  void step() override;
  void close_all() override;

  std::vector<Spot> spots(bool tails_only) const;
  std::optional<Spot> pick(bool tails_only = false);
  // A part of the zone. Below the size if `inside`; of whole pages of the thread if `whole_pages`, which are
  // all pages of a file that nobody shares. Empty: there is none.
  Range pick_range(const Spot& spot, bool inside, bool whole_pages);
  int fd(const Spot& spot, int flags);
  Target target(const Spot& spot, int flags = 0);
  Mapping& mapping(const Spot& spot);

  void write_some(int flags, const char* how);
  void append();
  void store();
  void direct_write();
  void aio();
  void change_range(int mode, const char* how);
  void preallocate();
  void odd_fallocate();
  void copy_some();
  void truncate();
  void read_some();
  void seek();
  void sync(bool data_only);
  void sync_mapping();
  void start_writeback();
  void drop_pages();
  void drop_caches();
  void defragment();
  void reopen();

  std::map<std::pair<const SharedFile*, int>, int> fds_;
  std::map<const SharedFile*, Mapping> mappings_;
};

}  // namespace butterfuse::seams
