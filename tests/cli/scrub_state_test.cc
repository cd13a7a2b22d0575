// SPDX-License-Identifier: GPL-2.0-or-later
// ScrubState: what is stored and found again, and what is somebody else's and left alone.
#include "cli/scrub_state.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/catch/in_a_child.h"
#include "tests/support/temp_dir.h"

namespace butterfuse::scrub_state_test {
namespace {

const std::string kFsid = "01234567-89ab-cdef-0123-456789abcdef";
const std::string kOtherFsid = "11111111-89ab-cdef-0123-456789abcdef";

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void put(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

size_t files_in(const std::string& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

ScrubState saved(const std::string& path) {
  ScrubState state(path, kFsid);
  state.done_until = {{1, 4096}, {2, 0}, {70, ~uint64_t{0}}};
  REQUIRE(state.save());
  return state;
}

// Whether there was a state.
bool must_load(ScrubState& state) {
  const auto loaded = state.load();
  REQUIRE(loaded);
  return *loaded;
}

// What lies there is no state of ours: it is refused with the errno, and none of the calls touches it.
void check_left_alone(const std::string& path, int code) {
  INFO(path);
  const std::string before = content_of(path);
  ScrubState state(path, kFsid);
  const auto loaded = state.load();
  REQUIRE(!loaded);
  CHECK(loaded.error().code == code);
  CHECK(loaded.error().message.find(path) != std::string::npos);
  CHECK(state.done_until.empty());
  state.done_until = {{1, 1}};
  const Status stored = state.save();
  REQUIRE(!stored);
  CHECK(stored.error().code == code);
  state.remove();
  CHECK(std::filesystem::exists(std::filesystem::symlink_status(path)));
  CHECK(content_of(path) == before);
}

}  // namespace

TEST_CASE("what was saved is loaded, as a whole file that nobody else's draft lies beside") {
  const TempDir folder;
  const ScrubState first = saved(folder / "state");
  ScrubState again(folder / "state", kFsid);
  CHECK(must_load(again));
  CHECK(again.done_until == first.done_until);
  again.done_until = {{1, 8192}};
  CHECK(again.save());
  CHECK(files_in(folder.path()) == 1);
  ScrubState third(folder / "state", kFsid);
  CHECK(must_load(third));
  CHECK(third.done_until == again.done_until);
}

TEST_CASE("where there is none nothing is done, and a state without devices is one") {
  const TempDir folder;
  ScrubState state(folder / "state", kFsid);
  state.done_until = {{1, 1}};
  CHECK_FALSE(must_load(state));
  CHECK(state.done_until.empty());
  CHECK(state.save());
  CHECK(must_load(state));
  state.remove();
  CHECK(files_in(folder.path()) == 0);
  state.remove();
}

TEST_CASE("a state of another file system is left alone") {
  const TempDir folder;
  ScrubState other(folder / "state", kOtherFsid);
  other.done_until = {{1, 4096}};
  REQUIRE(other.save());
  check_left_alone(folder / "state", EUCLEAN);
}

TEST_CASE("what holds something else is left alone") {
  const TempDir folder;
  const std::string path = folder / "state", good = content_of(saved(folder / "good").path());
  for (const std::string& text :
       {std::string(), std::string("a letter to a friend\n"), good + "3\n", good + "3 4 5\n",
        good + "x 4096\n", good + "\n", " " + good, std::string(100, '\0'),
        good + std::string((1 << 20) + 1, '\n'), "butterfuse scrub state 2 of " + kFsid + "\n"}) {
    put(path, text);
    INFO(text.substr(0, 200));
    check_left_alone(path, EUCLEAN);
  }
}

TEST_CASE("what is no regular file is left alone, and not waited for") {
  const TempDir folder;
  saved(folder / "state");
  std::filesystem::create_symlink("state", folder / "link");
  std::filesystem::create_directory(folder / "folder");
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  for (const char* name : {"link", "folder", "fifo"}) {
    ScrubState state(folder / name, kFsid);
    const auto loaded = state.load();
    REQUIRE(!loaded);
    CHECK(loaded.error().code == EEXIST);
    CHECK(state.save().error().code == EEXIST);
    state.remove();
    CHECK(std::filesystem::exists(std::filesystem::symlink_status(folder / name)));
  }
}

TEST_CASE("a state that was torn tells of less than was done, or of nothing") {
  const TempDir folder;
  const ScrubState whole = saved(folder / "whole");
  const std::string text = content_of(whole.path());
  size_t refused = 0, taken = 0;
  for (size_t length = 0; length < text.size(); ++length) {
    put(folder / "torn", text.substr(0, length));
    ScrubState torn(folder / "torn", kFsid);
    const auto loaded = torn.load();
    if (!loaded) {
      CHECK(loaded.error().code == EUCLEAN);
      ++refused;
      continue;
    }
    ++taken;
    for (const auto& [devid, byte] : torn.done_until) {
      INFO(length << " bytes, device " << devid);
      CHECK((whole.done_until.contains(devid) && byte <= whole.done_until.at(devid)));
    }
  }
  CHECK(refused > kFsid.size());
  CHECK(taken > 0);
}

TEST_CASE("where nothing can be written that is told, and nothing is left") {
  const TempDir folder;
  ScrubState state(folder / "none/state", kFsid);
  const Status stored = state.save();
  REQUIRE(!stored);
  CHECK(stored.error().code == ENOENT);
  CHECK(stored.error().message.find(folder / "none/state") != std::string::npos);
}

TEST_CASE("without a path the state is in a folder of its own, where nothing is in its way") {
  const TempDir folder;
  REQUIRE(::chmod(folder.path().c_str(), 0777) == 0);
  const std::string seen = in_a_child([&]() -> std::string {
    if (::geteuid() == 0 && ::seteuid(65534) != 0) return "still root";
    ::setenv("XDG_STATE_HOME", folder.path().c_str(), 1);
    ScrubState state("", kFsid);
    const std::string wanted = folder / "butterfuse/scrub." + kFsid;
    if (state.path() != wanted) return state.path();
    state.done_until = {{1, 4096}};
    if (!state.save()) return "not saved";
    put(wanted, "damaged");
    const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    ::dup2(null, STDERR_FILENO);
    ScrubState again("", kFsid);
    const auto loaded = again.load();
    if (!loaded || *loaded || !again.done_until.empty()) return "what is damaged is not passed over";
    if (!again.save() || content_of(wanted) == "damaged") return "what is damaged is not replaced";
    put(wanted, "damaged");
    again.remove();
    return std::filesystem::exists(wanted) ? "what is damaged is not removed" : "";
  });
  CHECK(seen == "");
}

}  // namespace butterfuse::scrub_state_test
