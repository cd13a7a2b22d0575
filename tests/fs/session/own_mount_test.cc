// SPDX-License-Identifier: GPL-2.0-or-later
// OwnMount: what it takes out of the tree, among mounts of others; each case in a mount namespace of its own.
#include "fs/session/own_mount.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>

#include "tests/support/catch/in_a_child.h"
#include "tests/support/run_command.h"
#include "tests/support/temp_dir.h"

namespace butterfuse::own_mount_test {
namespace {

const std::string kNoNamespace = "no namespace";

// Folders, and file systems in memory on them, which are told by their source.
class Mounts {
 public:
  explicit Mounts(std::string folder) : folder_(std::move(folder)) {}
  std::string at(const std::string& name) const { return folder_ + "/" + name; }
  bool mount(const std::string& source, const std::string& name) const {
    std::filesystem::create_directories(at(name));
    return ::mount(source.c_str(), at(name).c_str(), "tmpfs", 0, "size=64k") == 0;
  }
  bool bind(const std::string& from, const std::string& name, unsigned long how = MS_BIND) const {
    std::filesystem::create_directories(at(name));
    return ::mount(at(from).c_str(), at(name).c_str(), nullptr, how, nullptr) == 0;
  }
  // What became of it, and then "source at name; ..." of all that is mounted in the folder.
  std::string seen_after(const std::string& word) const { return word + seen(); }
  std::string seen() const {
    std::string text;
    for (const MountEntry& entry : read_mount_table())
      if (entry.mount_point.starts_with(folder_ + "/"))
        text += entry.source + " at " + entry.mount_point.substr(folder_.size() + 1) + "; ";
    return text;
  }

 private:
  const std::string folder_;
};

std::string word_for(const Status& status) {
  if (status) return "done: ";
  return (status.error().code == EBUSY ? "busy: " : std::to_string(status.error().code) + ": ");
}

// `body` is given a folder in a mount namespace of its own, and is to say `wanted`.
template <class Body>
void check_among_mounts(const std::string& wanted, Body body) {
  const TempDir folder;
  const std::string text = !running_as_root() ? kNoNamespace : in_a_child([&]() -> std::string {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      return kNoNamespace;
    return body(Mounts(std::filesystem::canonical(folder.path())));
  });
  if (text == kNoNamespace)
    WARN("SKIP: needs root and a mount namespace");
  else
    CHECK(text == wanted);
}

}  // namespace

TEST_CASE("our mount goes, and others beside it stay") {
  check_among_mounts("done: theirs at b; ", [](const Mounts& mounts) -> std::string {
    if (!mounts.mount("ours", "a") || !mounts.mount("theirs", "b")) return "not mounted";
    const OwnMount own(mounts.at("a"));
    struct stat info {};
    if (::stat(mounts.at("a").c_str(), &info) != 0 || own.device() != info.st_dev) return "another device";
    return mounts.seen_after(word_for(own.detach()));
  });
}

TEST_CASE("our mount goes wherever it was bound or moved to") {
  check_among_mounts("done: theirs at b; ", [](const Mounts& mounts) -> std::string {
    if (!mounts.mount("theirs", "b") || !mounts.mount("ours", "a")) return "not mounted";
    const OwnMount own(mounts.at("a"));
    if (!mounts.bind("a", "bound") || !mounts.bind("a", "moved", MS_MOVE)) return "not bound";
    if (mounts.seen() != "theirs at b; ours at moved; ours at bound; " &&
        mounts.seen() != "theirs at b; ours at bound; ours at moved; ")
      return mounts.seen();
    return mounts.seen_after(word_for(own.detach()));
  });
}

TEST_CASE("with something of others in it or on it our mount stays, and so does that") {
  for (const std::string place : {"a/inside", "a"}) {
    INFO(place);
    check_among_mounts("busy: ours at a; theirs at " + place + "; ",
                       [&](const Mounts& mounts) -> std::string {
                         if (!mounts.mount("ours", "a")) return "not mounted";
                         const OwnMount own(mounts.at("a"));
                         if (!mounts.mount("theirs", place)) return "not mounted";
                         const Status done = own.detach();
                         if (!done && done.error().message.find("theirs") == std::string::npos)
                           return done.error().message;
                         return mounts.seen_after(word_for(done));
                       });
  }
}

TEST_CASE("what lies in the place of a mount that is gone is not ours") {
  check_among_mounts("done: theirs at a; ", [](const Mounts& mounts) -> std::string {
    if (!mounts.mount("ours", "a")) return "not mounted";
    const OwnMount own(mounts.at("a"));
    ::umount2(mounts.at("a").c_str(), 0);
    if (!mounts.mount("theirs", "a")) return "not mounted";
    return mounts.seen_after(word_for(own.detach()));
  });
}

TEST_CASE("who has mounted nothing takes nothing away") {
  check_among_mounts("done: done: theirs at a/b; ", [](const Mounts& mounts) -> std::string {
    if (!mounts.mount("theirs", "a/b")) return "not mounted";
    const OwnMount none, nothing_there(mounts.at("a"));
    if (none.device() != 0 || nothing_there.device() != 0) return "a device";
    const std::string first = word_for(none.detach());
    return mounts.seen_after(first + word_for(nothing_there.detach()));
  });
}

}  // namespace butterfuse::own_mount_test
