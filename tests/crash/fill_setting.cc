// SPDX-License-Identifier: GPL-2.0-or-later
// FillSetting: choosing, making, filling.
#include "tests/crash/fill_setting.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <random>

#include "core/device/memory_device.h"
#include "fs/data/copy_range.h"
#include "fs/data/fallocate.h"
#include "fs/data/file.h"
#include "fs/data/set_attr.h"
#include "fs/names/create.h"
#include "tests/crash/work_folder.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/kernel_mount.h"
#include "tests/support/make_snapshot.h"
#include "tests/support/mkfs_image.h"
#include "tests/support/run_command.h"

namespace butterfuse::crash {
namespace {

constexpr uint64_t kMiB = 1 << 20, kBlock = 4096;
constexpr uint64_t kSizes[] = {128, 160, 200, 256, 300, 400};
constexpr int kSnapshots[] = {0, 0, 1, 2, 5, 20, 60, 200};
constexpr int kSmallFiles[] = {0, 50, 50, 500, 2500};
constexpr int kBrokenFiles[] = {0, 5, 20};
constexpr int kExtents[] = {20, 200};
constexpr uint64_t kLeft[] = {0, 0, 0, 1, 2, 5, 10, 20};
constexpr const char* kOptions[] = {"",
                                    "strictatime",
                                    "compress=zstd",
                                    "strictatime,compress-force=lzo",
                                    "noatime",
                                    "max_inline=0",
                                    "nodatacow",
                                    "notreelog",
                                    "flushoncommit",
                                    "discard",
                                    "strictatime,nodatasum"};
struct Format {
  const char* features;
  uint32_t nodesize;
  MkfsProfile metadata;
};
constexpr Format kFormats[] = {
    {"", 16384, MkfsProfile::dup},          {"", 16384, MkfsProfile::dup},
    {"", 4096, MkfsProfile::dup},           {"", 8192, MkfsProfile::dup},
    {"", 32768, MkfsProfile::single},       {"", 65536, MkfsProfile::dup},
    {"", 16384, MkfsProfile::single},       {"", 4096, MkfsProfile::single},
    {"^no-holes", 16384, MkfsProfile::dup}, {"^block-group-tree", 16384, MkfsProfile::dup}};

template <class List, class Random>
auto pick(const List& list, Random& random) {
  return list[random() % std::size(list)];
}

InodePtr make_file(Mount& mount, Inode& dir, const std::string& name) {
  NewInode what;
  what.mode = S_IFREG | 0644;
  return must(create(mount, dir, name, what, {}));
}

bool write(Mount& mount, const InodePtr& inode, uint64_t offset, const std::string& text) {
  auto file = must(open_file(mount, must(mount.inodes().get(inode->key())), O_RDWR, {}));
  return write_file(mount, *file, {.offset = offset, .pieces = {as_bytes(text)}}, {}).has_value();
}

// Bytes that tell which file they are of.
std::string content(const std::string& name, size_t length) {
  std::string line = name + " ", text;
  line.resize(64, '.');
  while (text.size() < length) text += line;
  return text.substr(0, length);
}

}  // namespace

FillSetting::FillSetting(uint64_t seed) : Setting(0), seed_(seed) {
  std::mt19937_64 random(seed);
  const Format format = pick(kFormats, random);
  mkfs.nodesize = format.nodesize, mkfs.metadata = format.metadata, mkfs.data = MkfsProfile::single;
  must(apply_feature_list(format.features, mkfs.features));
  device_bytes = pick(kSizes, random) * kMiB;
  options = pick(kOptions, random);
  atom = options.find("nodatacow") == std::string::npos ? kBlock : 512;
  snapshots = pick(kSnapshots, random);
  small_files = pick(kSmallFiles, random), broken_files = pick(kBrokenFiles, random);
  extents = pick(kExtents, random);
  left_bytes = pick(kLeft, random) * kMiB;
  fills_metadata = random() % 3 == 0;
  kernel_made = random() % 3 == 0 && have_btrfs_progs() && kernel_can_mount();
  shape = {
      .operations = 1000, .setup = 0, .fsync_percent = 5, .max_bytes = 150'000, .full = true, .names = 200};
  text = fmt::format(
      "{} MiB by {}, {} metadata, nodes of {}, -O '{}', {} snapshots of {} small files and {} of {} extents, "
      "{} MiB left{}, "
      "-o '{}'",
      device_bytes / kMiB, kernel_made ? "the kernel" : "us", profile_name(mkfs.metadata), mkfs.nodesize,
      format.features, snapshots, small_files, broken_files, extents, left_bytes / kMiB,
      fills_metadata ? ", full metadata" : "", options);
}

Disks FillSetting::make_disks() const {
  Disks disks = kernel_made ? make_kernels() : make_ours();
  fill(disks);
  return disks;
}

// Every fourth broken file shares the extents of the one before it.
Disks FillSetting::make_ours() const {
  const auto disk = std::make_shared<MemoryDevice>(device_bytes);
  must(make_filesystem({disk.get()}, mkfs));
  const Disks disks = {disk};
  auto mount = must(Mount::open(share(disks), mount_options()));
  NewInode folder;
  folder.mode = S_IFDIR | 0755;
  InodePtr work = must(create(*mount, mount->root(), kWorkFolder, folder, {}));
  for (int i = 0; i < small_files; ++i) {
    const std::string name = fmt::format("small{}", i);
    write(*mount, make_file(*mount, *work, name), 0, content(name, static_cast<size_t>(200 + i % 1700)));
  }
  InodePtr before;
  for (int i = 0; i < broken_files; ++i) {
    const std::string name = fmt::format("broken{}", i);
    InodePtr file = make_file(*mount, *work, name);
    if (i % 4 == 3) {
      must(copy_range(*mount, {*before, 0, *file, 0, before->data().size()}));
    } else {
      for (int extent = 0; extent < extents; ++extent)  // each before a hole
        write(*mount, file, static_cast<uint64_t>(extent) * 2 * kBlock,
              content(fmt::format("{}.{}", name, extent), kBlock));
    }
    before = std::move(file);
  }
  before = {};
  work = {};
  must(mount->close());
  mount.reset();
  auto filesystem = must(Filesystem::open(share(disks), {}));
  for (int i = 0; i < snapshots; ++i) make_snapshot(*filesystem, fmt::format("snapshot{}", i));
  must(filesystem->close());
  return disks;
}

Disks FillSetting::make_kernels() const {
  const TempDir folder;
  const std::string file_name = folder / "image", place = folder / "mnt", top = place + "/" + kWorkFolder;
  make_sparse_file(file_name, device_bytes);
  const auto run = [](std::vector<std::string> command) {
    const auto done = run_command(command);
    if (!done.ok()) throw std::runtime_error(command[0] + ": " + done.output);
  };
  run({"mkfs.btrfs", "-q", "-m", mkfs.metadata == MkfsProfile::dup ? "dup" : "single", "-n",
       fmt::format("{}", mkfs.nodesize), file_name});
  {
    const KernelMount mounted(file_name, place, "loop,noatime");
    if (!mounted.mounted()) throw std::runtime_error("the kernel does not mount " + file_name);
    run({"mkdir", top});
    const auto put = [&](const std::string& name, uint64_t offset, const std::string& bytes) {
      const int fd = open((top + "/" + name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
      const ssize_t written = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      close(fd);
      if (written != static_cast<ssize_t>(bytes.size())) throw std::runtime_error("short write of " + name);
    };
    for (int i = 0; i < small_files; ++i)
      put(fmt::format("small{}", i), 0,
          content(fmt::format("small{}", i), static_cast<size_t>(200 + i % 1700)));
    for (int i = 0; i < broken_files; ++i)
      for (int extent = 0; extent < extents; ++extent)
        put(fmt::format("broken{}", i), static_cast<uint64_t>(extent) * 2 * kBlock,
            content(fmt::format("broken{}.{}", i, extent), kBlock));
    run({"sync", "-f", place});
    for (int i = 0; i < snapshots; ++i)
      run({"btrfs", "-q", "subvolume", "snapshot", place, fmt::format("{}/snapshot{}", place, i)});
  }
  const auto file = must(open_file_device(file_name, {.mode = OpenMode::read_only, .lock = false}));
  const auto disk = std::make_shared<MemoryDevice>(device_bytes);
  std::vector<std::byte> bytes(kMiB);
  for (uint64_t at = 0; at < device_bytes; at += bytes.size()) {
    must(file->read(at, bytes));
    if (std::any_of(bytes.begin(), bytes.end(), [](std::byte one) { return one != std::byte{0}; }))
      must(disk->write(at, bytes, WriteKind::data));
  }
  return {disk};
}

// Preallocated to the last byte; then `left_bytes` are given back. Names take the metadata's space.
void FillSetting::fill(const Disks& disks) const {
  auto mount = must(Mount::open(share(disks), mount_options()));
  {
    if (fills_metadata) {
      NewInode folder;
      folder.mode = S_IFDIR | 0755;
      auto names = create(*mount, mount->root(), "names", folder, {});
      for (int i = 0; names; ++i) {
        NewInode what;
        what.mode = S_IFREG | 0644;
        const auto made = create(*mount, **names, fmt::format("{}{}", std::string(100, 'n'), i), what, {});
        if (!made || !write(*mount, *made, 0, content("names", 1900))) break;
      }
    }
    NewInode what;
    what.mode = S_IFREG | 0644;
    const auto filler = create(*mount, mount->root(), "filler", what, {});
    if (filler) {
      uint64_t end = 0;
      for (uint64_t step = 32 * kMiB; step >= kBlock; step /= 2)
        while (fallocate(*mount, **filler, 0, ByteRange::at(end, step))) end += step;
      AttrChange change;
      change.size = end - std::min(end, left_bytes);
      (void)set_attr(*mount, **filler, change);
    }
  }
  must(mount->close());
}

}  // namespace butterfuse::crash
