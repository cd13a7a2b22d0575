// SPDX-License-Identifier: GPL-2.0-or-later
// Fsync: what it writes, and what a power cut at any of these writes leaves.
#include "fs/durability/fsync.h"

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <functional>

#include "core/device/memory_device.h"
#include "core/device/recording_device.h"
#include "core/device/shared_device.h"
#include "core/mkfs/mkfs.h"
#include "core/volume/superblock.h"
#include "fs/data/copy_range.h"
#include "fs/data/file.h"
#include "fs/names/create.h"
#include "fs/names/link.h"
#include "fs/names/lookup.h"
#include "fs/names/rename.h"
#include "fs/names/unlink.h"
#include "fs/options/parse_options.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse::fsync_test {
namespace {

constexpr uint64_t kDeviceBytes = 256u << 20;

// A fresh file system in memory, mounted without commits of its own; every write is recorded.
class Recorded {
 public:
  explicit Recorded(const std::string& options = "", const std::function<void(Mount&)>& prepare = {})
      : before_(std::make_shared<MemoryDevice>(kDeviceBytes)) {
    must(make_filesystem(*before_, {}));
    if (prepare) {
      const auto mount = mount_on(std::make_unique<SharedDevice>(before_), "");
      prepare(*mount);
      must(mount->close());
    }
    mount_ =
        mount_on(std::make_unique<RecordingDevice>(std::make_shared<MemoryDevice>(before_), trace_), options);
  }
  ~Recorded() { (void)mount_->close(); }

  static std::unique_ptr<Mount> mount_on(std::unique_ptr<BlockDevice> device, const std::string& options) {
    MountOptions parsed;
    must(parse_mount_options(options + ",commit=3600", parsed));
    return must(Mount::open(std::move(device), parsed));
  }

  Mount& mount() { return *mount_; }
  Trace& trace() { return *trace_; }
  std::shared_ptr<BlockDevice> before() { return before_; }

  InodePtr create(Inode& dir, const std::string& name, uint32_t mode = 0100644) {
    return must(butterfuse::create(*mount_, dir, name, {.mode = mode}, {}));
  }
  std::unique_ptr<OpenFile> open(InodePtr inode) {
    return must(open_file(*mount_, std::move(inode), O_RDWR, {}));
  }
  std::unique_ptr<OpenFile> open(const std::string& name) {
    return open(must(lookup_existing(*mount_, mount_->root(), name)));
  }
  void write(OpenFile& file, uint64_t offset, const std::string& text) {
    WriteRequest request{.offset = offset, .pieces = {as_bytes(text)}};
    REQUIRE(must(write_file(*mount_, file, request, {})) == text.size());
  }
  size_t writes() const {
    size_t count = 0;
    for (const TraceEvent& event : trace_->events()) count += event.kind == TraceEvent::Kind::write;
    return count;
  }

 private:
  std::shared_ptr<BlockDevice> before_;
  std::shared_ptr<Trace> trace_ = std::make_shared<Trace>();
  std::unique_ptr<Mount> mount_;
};

void rename_in_root(Mount& mount, const std::string& from, const std::string& to) {
  Inode& root = mount.root();
  must(rename(
      mount, {.old_dir = root, .old_name = from, .new_dir = root, .new_name = to, .flags = 0, .caller = {}}));
}

std::string content_of(Mount& mount, const std::string& name) {
  auto inode = lookup_existing(mount, mount.root(), name);
  if (!inode) return "";
  OpenFile file(std::move(*inode));
  std::string text;
  must(read_file(mount, file, 0, 1 << 20, [&](const std::vector<ByteSpan>& pieces) {
    for (const ByteSpan piece : pieces) text += as_text(piece);
  }));
  return text;
}

// Calls check(acknowledged, mount) for the state after each write; `acknowledged` counts the marks before it.
template <class Check>
size_t for_each_crash(Recorded& recorded, const Check& check) {
  const auto disk = std::make_shared<MemoryDevice>(recorded.before());
  size_t acknowledged = 0, states = 0;
  for (const TraceEvent& event : recorded.trace().events()) {
    if (event.kind == TraceEvent::Kind::mark) ++acknowledged;
    if (event.kind != TraceEvent::Kind::write) continue;
    must(disk->write(event.offset, event.payload, event.what));
    auto mount = Recorded::mount_on(std::make_unique<MemoryDevice>(disk), "");
    check(acknowledged, *mount);
    must(mount->close());
    ++states;
  }
  return states;
}

}  // namespace

TEST_CASE("an fsync of four appended KiB takes fewer than a dozen writes and no commit") {
  Recorded recorded;
  recorded.create(recorded.mount().root(), "file");
  const auto file = recorded.open("file");
  recorded.write(*file, 0, std::string(65536, 'a'));
  must(recorded.mount().sync());
  const uint64_t committed = recorded.mount().filesystem().last_committed();
  for (uint64_t round = 0; round < 20; ++round) {
    recorded.write(*file, 65536 + round * 4096, std::string(4096, 'b'));
    recorded.trace().clear();
    must(sync_file(recorded.mount(), *file));
    CHECK(recorded.writes() < 12);
    CHECK(recorded.writes() > 2);
  }
  CHECK(recorded.mount().filesystem().last_committed() == committed);
}

TEST_CASE("notreelog makes each fsync a commit") {
  Recorded recorded("notreelog");
  recorded.create(recorded.mount().root(), "file");
  const auto file = recorded.open("file");
  const uint64_t before = recorded.mount().filesystem().last_committed();
  must(sync_file(recorded.mount(), *file));
  CHECK(recorded.mount().filesystem().last_committed() == before + 1);
}

TEST_CASE("a power cut at any write loses nothing that an fsync has acknowledged") {
  Recorded recorded;
  recorded.create(recorded.mount().root(), "file");
  const auto file = recorded.open("file");
  std::string text;
  for (char block = 'a'; block < 'g'; ++block) {
    recorded.write(*file, text.size(), std::string(4096, block));
    text += std::string(4096, block);
    must(sync_file(recorded.mount(), *file));
    recorded.trace().mark("fsync");
    if (block == 'c') must(recorded.mount().sync());
  }
  const size_t states = for_each_crash(recorded, [&](size_t acknowledged, Mount& mount) {
    const std::string found = content_of(mount, "file");
    REQUIRE(found.size() >= acknowledged * 4096);
    REQUIRE(found == text.substr(0, found.size()));
  });
  CHECK(states > 20);
}

TEST_CASE("files that are made, synced and renamed over one name one after the other are there whole") {
  Recorded recorded;
  Inode& root = recorded.mount().root();
  for (char version = 'a'; version < 'f'; ++version) {
    recorded.create(root, "file.new");
    const auto file = recorded.open("file.new");
    recorded.write(*file, 0, std::string(5000, version));
    must(sync_file(recorded.mount(), *file));
    rename_in_root(recorded.mount(), "file.new", "file");
    must(recorded.mount().make_durable(root));
    recorded.trace().mark("renamed");
  }
  for_each_crash(recorded, [&](size_t acknowledged, Mount& mount) {
    const std::string found = content_of(mount, "file");
    if (acknowledged == 0 && found.empty()) return;
    REQUIRE(found.size() == 5000);
    REQUIRE(found[0] >= 'a' + static_cast<char>(acknowledged) - 1);
    REQUIRE(found == std::string(5000, found[0]));
  });
}

TEST_CASE("a file that was renamed, synced and unlinked does not come back under its old name") {
  Recorded recorded;
  Inode& root = recorded.mount().root();
  recorded.create(root, "old");
  recorded.create(root, "other");
  must(recorded.mount().sync());
  recorded.trace().mark("committed");
  rename_in_root(recorded.mount(), "old", "new");
  must(sync_file(recorded.mount(), *recorded.open("new")));
  recorded.trace().mark("renamed");
  must(unlink(recorded.mount(), root, "new"));
  const auto other = recorded.open("other");
  recorded.write(*other, 0, "x");
  must(sync_file(recorded.mount(), *other));
  for_each_crash(recorded, [&](size_t acknowledged, Mount& mount) {
    if (acknowledged < 2) return;
    REQUIRE_FALSE(lookup_existing(mount, mount.root(), "old"));
  });
}

TEST_CASE("a torn superblock costs no fsync that was acknowledged") {
  Recorded recorded;
  recorded.create(recorded.mount().root(), "file");
  must(recorded.mount().sync());
  recorded.trace().mark("committed");
  const auto file = recorded.open("file");
  for (uint64_t round = 0; round < 4; ++round) {
    recorded.write(*file, round * 4096, std::string(4096, 'x'));
    must(sync_file(recorded.mount(), *file));
    recorded.trace().mark("fsync");
  }
  const auto disk = std::make_shared<MemoryDevice>(recorded.before());
  size_t acknowledged = 0, torn = 0;
  for (const TraceEvent& event : recorded.trace().events()) {
    if (event.kind == TraceEvent::Kind::mark) ++acknowledged;
    if (event.kind != TraceEvent::Kind::write) continue;
    if (event.what == WriteKind::super && acknowledged > 0) {
      auto cut = std::make_shared<MemoryDevice>(disk);
      must(cut->write(event.offset, ByteSpan(event.payload).first(512), event.what));
      auto mount = Recorded::mount_on(std::make_unique<SharedDevice>(cut), "");
      REQUIRE(content_of(*mount, "file").size() >= (acknowledged - 1) * 4096);
      ++torn;
    }
    must(disk->write(event.offset, event.payload, event.what));
  }
  CHECK(torn >= 8);  // both mirrors, each time
}

TEST_CASE("a superblock that somebody else wrote is not written over by an fsync") {
  for (const char* options : {"", "notreelog"}) {
    Recorded recorded(options);
    recorded.create(recorded.mount().root(), "file");
    const auto file = recorded.open("file");
    {
      auto other = must(Filesystem::open(std::make_unique<SharedDevice>(recorded.before()), {}));
      other->set_label("another");
      must(other->close());
    }
    recorded.write(*file, 0, "text");
    const Status synced = sync_file(recorded.mount(), *file);
    REQUIRE_FALSE(synced);
    CHECK(synced.error().code == ESTALE);
    CHECK(recorded.mount().filesystem().read_only());
    CHECK_FALSE(must(read_newest_super(*recorded.before())).label[0] == '\0');
  }
}

TEST_CASE("a name taken over from a file that is synced under another belongs to one of the two") {
  Recorded recorded;
  Inode& root = recorded.mount().root();
  recorded.write(*recorded.open(recorded.create(root, "first")), 0, "old");
  must(link(recorded.mount(), *must(lookup_existing(recorded.mount(), root, "first")), root, "second"));
  must(recorded.mount().sync());
  recorded.trace().mark("committed");
  recorded.write(*recorded.open(recorded.create(root, "third")), 0, "new");
  rename_in_root(recorded.mount(), "third", "first");
  must(sync_file(recorded.mount(), *recorded.open("second")));
  for_each_crash(recorded, [&](size_t acknowledged, Mount& mount) {
    if (acknowledged == 0) return;
    const std::string found = content_of(mount, "first");
    REQUIRE((found == "old" || found == "new"));
    REQUIRE(content_of(mount, "second") == "old");
  });
}

TEST_CASE("a file that a synced one replaced does not come back when that one is gone again") {
  Recorded recorded;
  Inode& root = recorded.mount().root();
  recorded.write(*recorded.open(recorded.create(root, "file")), 0, "old");
  recorded.create(root, "other");
  must(recorded.mount().sync());
  recorded.write(*recorded.open(recorded.create(root, "fresh")), 0, "new");
  rename_in_root(recorded.mount(), "fresh", "file");
  must(sync_file(recorded.mount(), *recorded.open("file")));
  recorded.trace().mark("replaced");
  must(unlink(recorded.mount(), root, "file"));
  const auto other = recorded.open("other");
  recorded.write(*other, 0, "x");
  must(sync_file(recorded.mount(), *other));
  for_each_crash(recorded, [&](size_t acknowledged, Mount& mount) {
    if (acknowledged > 0) REQUIRE(content_of(mount, "file") != "old");
  });
}

TEST_CASE("a journal that comes and goes with each change never comes back after its directory was synced") {
  Recorded recorded;
  Inode& root = recorded.mount().root();
  const uint64_t committed = recorded.mount().filesystem().last_committed();
  recorded.create(root, "data");
  const auto data = recorded.open("data");
  for (int round = 0; round < 4; ++round) {
    recorded.create(root, "journal");
    {
      const auto journal = recorded.open("journal");
      recorded.write(*journal, 0, "old");
      must(sync_file(recorded.mount(), *journal));
    }
    recorded.write(*data, 0, fmt::format("new {}", round));
    must(sync_file(recorded.mount(), *data));
    must(unlink(recorded.mount(), root, "journal"));
    must(recorded.mount().make_durable(root));
    recorded.trace().mark("done");
  }
  CHECK(recorded.mount().filesystem().last_committed() == committed);  // all through the log
  size_t last = 0;
  for_each_crash(recorded, [&](size_t acknowledged, Mount& mount) {
    const std::string found = content_of(mount, "data");
    if (acknowledged > 0) REQUIRE(found >= fmt::format("new {}", acknowledged - 1));
    last = acknowledged;
  });
  CHECK(last == 3);
  const auto disk = std::make_shared<MemoryDevice>(recorded.before());
  for (const TraceEvent& event : recorded.trace().events())
    if (event.kind == TraceEvent::Kind::write) must(disk->write(event.offset, event.payload, event.what));
  auto mount = Recorded::mount_on(std::make_unique<MemoryDevice>(disk), "");
  CHECK_FALSE(lookup_existing(*mount, mount->root(), "journal"));
  CHECK(content_of(*mount, "data") == "new 3");
}

TEST_CASE("an inode that comes back from its tree before a commit is not committed") {
  Recorded test;
  const InodeKey key =
      must(create(test.mount(), test.mount().root(), "empty", {.mode = S_IFREG | 0644}, {}))->key();
  CHECK_FALSE(must(test.mount().load_inode(key))->is_committed());
  must(test.mount().sync());
  CHECK(must(test.mount().load_inode(key))->is_committed());
}

// A replay would take the index for the name that the last commit has there, and remove that.
TEST_CASE("an index that a rename has freed is not given to a new name in the same transaction") {
  Recorded test("", [](Mount& mount) {
    const auto mkdir = [&](Inode& in, const char* name) {
      return must(create(mount, in, name, {.mode = 040755}, {}));
    };
    const InodePtr a = mkdir(mount.root(), "a"), b = mkdir(mount.root(), "b"), sub = mkdir(*a, "sub");
    must(create(mount, *sub, "file", {.mode = 0100644}, {}));
  });
  Mount& mount = test.mount();
  {
    const InodePtr a = must(lookup_existing(mount, mount.root(), "a"));
    const InodePtr b = must(lookup_existing(mount, mount.root(), "b"));
    must(rename(
        mount,
        {.old_dir = *a, .old_name = "sub", .new_dir = *b, .new_name = "sub", .flags = 0, .caller = {}}));
    const auto fresh = test.open(must(create(mount, *a, "new", {.mode = 0100644}, {})));
    must(sync_file(mount, *fresh));
  }
  for_each_crash(test, [&](size_t, Mount& after) {
    bool found = false;
    for (const char* name : {"a", "b"}) {
      const InodePtr dir = must(lookup_existing(after, after.root(), name));
      const auto sub = lookup_existing(after, *dir, "sub");
      found |= sub && lookup_existing(after, **sub, "file");
    }
    CHECK(found);
  });
}

TEST_CASE("what an fsync made durable of one file is not written over in place by a file that shared it") {
  Recorded recorded("nodatacow");
  Inode& root = recorded.mount().root();
  recorded.create(root, "logged"), recorded.create(root, "sharer");
  must(recorded.mount().sync());
  const auto logged = recorded.open("logged"), sharer = recorded.open("sharer");
  const std::string old_text(16'384, 'o');
  recorded.write(*logged, 0, old_text);
  must(sync_file(recorded.mount(), *logged));
  recorded.trace().mark("ack");
  REQUIRE(must(copy_range(recorded.mount(), {*logged->inode, 0, *sharer->inode, 0, 16'384})) == 16'384);
  // From here on the extent is the sharer's alone, but for the log.
  const std::string new_text(16'384, 'n');
  recorded.write(*logged, 0, new_text);
  must(logged->inode->data().flush({0, UINT64_MAX}, true));
  recorded.write(*sharer, 4096, std::string(4096, 's'));
  must(sharer->inode->data().flush({0, UINT64_MAX}, true));
  for_each_crash(recorded, [&](size_t acknowledged, Mount& mount) {
    const std::string found = content_of(mount, "logged");
    if (acknowledged > 0) CHECK((found == old_text || found == new_text));
  });
}

}  // namespace butterfuse::fsync_test
