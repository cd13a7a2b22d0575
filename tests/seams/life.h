// SPDX-License-Identifier: GPL-2.0-or-later
// Life: what the threads between a mount and a kill share.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/seams/daemon.h"
#include "tests/seams/file_model.h"
#include "tests/seams/names_model.h"
#include "tests/seams/setting.h"
#include "tests/seams/trace.h"

namespace butterfuse::seams {

// A file in the top directory that several threads use.
struct SharedFile {
  std::string name;
  std::unique_ptr<FileModel> model;
  std::vector<int> owners;  // the thread of each zone
  bool may_map = true, may_direct = true;
  // Whether pages that belong to several threads exist: then what works on whole pages stays away from them.
  bool is_solo() const { return owners.size() == 1; }
};

// A directory in the top directory that one thread uses, and what is below it.
struct OwnFolder {
  std::string name;
  std::unique_ptr<NamesModel> model;
  int owner = 0;
};

// Thrown by a call whose daemon is gone.
struct Over {};

class Life {
 public:
  Life(const CourseSetting& of_course, const LifeSetting& of_life, Daemon& server)
      : course(of_course), setting(of_life), daemon(server) {}

  const CourseSetting& course;
  const LifeSetting& setting;
  Daemon& daemon;
  Clock clock;
  Trace trace;
  std::vector<std::unique_ptr<SharedFile>> files;
  std::vector<std::unique_ptr<OwnFolder>> folders;
  int killer = 0;  // the thread that ends it

  std::string path(const std::string& name) const { return daemon.place().mountpoint() + "/" + name; }
  // Something is not as it must be: ends the life.
  void complain(std::string text);
  // SIGKILL to the daemon, now.
  void end();
  bool is_over() const { return over_; }
  // Until somebody ends it, or the time is over (false).
  bool wait(int64_t microseconds);
  // A thread is through with its calls (a life that ends with a clean unmount).
  void thread_is_done();
  bool wait_for_threads(int64_t microseconds, int threads);
  std::vector<std::string> complaints() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> over_ = false;
  int done_ = 0;
  std::vector<std::string> complaints_;
};

}  // namespace butterfuse::seams
