// SPDX-License-Identifier: GPL-2.0-or-later
// Daemon: the process that serves the image, from its start to SIGKILL or a clean unmount.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace butterfuse::seams {

// Where it all happens: a folder with the image, the mount point and the daemon's log.
struct Place {
  std::string binary, folder;
  std::string image() const { return folder + "/image"; }
  std::string mountpoint() const { return folder + "/mnt"; }
  std::string log() const { return folder + "/daemon.log"; }
};

class Daemon {
 public:
  explicit Daemon(Place place) : place_(std::move(place)) {}
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Returns when the mount is live; else why it is not.
  std::optional<std::string> start(const std::string& options);
  // SIGKILL. Any thread may call it, while it runs.
  void kill();
  // After a kill: waits for its end, and takes the dead mount away. If it had ended by itself, says how.
  std::optional<std::string> bury();
  // Unmounts, and waits until all is written. Nothing may be open in it.
  std::optional<std::string> unmount();
  // What its threads are waiting in.
  std::string stacks() const;
  std::string log_tail() const;
  const Place& place() const { return place_; }

 private:
  std::optional<std::string> wait_for_end(int timeout_s);
  void detach();

  const Place place_;
  pid_t pid_ = -1;
  bool killed_ = false;
};

}  // namespace butterfuse::seams
