// SPDX-License-Identifier: GPL-2.0-or-later
// list_image: opens a btrfs image read-only in this process, and shows a directory, or the content of a file.
#include <butterfuse/engine.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

using namespace butterfuse;

namespace {

// From the top directory of the mounted subvolume on, a name at a time. Symbolic links are not followed.
Result<InodePtr> find(Mount& mount, const std::filesystem::path& path) {
  BF_ASSIGN(InodePtr inode, lookup_existing(mount, mount.root(), "."));
  for (const auto& name : path.relative_path()) {
    BF_ASSIGN(inode, lookup_existing(mount, *inode, name.string()));
  }
  return inode;
}

Status show_directory(Mount& mount, Inode& directory) {
  constexpr size_t kBytesAtOnce = 32768;
  BF_ASSIGN(const uint64_t end, listing_end(mount, directory));
  for (uint64_t position = 0;;) {
    BF_ASSIGN(const std::vector<ListedEntry> entries,
              list_directory(mount, directory, position, end, kBytesAtOnce, 0));
    if (entries.empty()) return {};
    for (const ListedEntry& entry : entries)
      if (!entry.is_dot) std::printf("%s%s\n", entry.name.c_str(), S_ISDIR(entry.mode) ? "/" : "");
    position = entries.back().next_position;
  }
}

// Each part is verified against its checksum before it is handed out.
Status show_file(Mount& mount, InodePtr inode) {
  constexpr size_t kBytesAtOnce = 1 << 20;
  const auto size = static_cast<uint64_t>(get_attr(mount, *inode).st_size);
  BF_ASSIGN(const std::unique_ptr<OpenFile> file, open_file(mount, std::move(inode), O_RDONLY, Caller{}));
  for (uint64_t offset = 0; offset < size; offset += kBytesAtOnce) {
    BF_TRY(read_file(mount, *file, offset, kBytesAtOnce, [](const std::vector<ByteSpan>& pieces) {
      for (const ByteSpan& piece : pieces) std::fwrite(piece.data(), 1, piece.size(), stdout);
    }));
  }
  return {};
}

Status show(const std::string& image, const std::string& path) {
  MountOptions options;
  BF_TRY(parse_mount_options("ro", options));
  BF_ASSIGN(std::unique_ptr<BlockDevice> device, open_file_device(image, {.mode = OpenMode::read_only}));
  BF_ASSIGN(const std::unique_ptr<Mount> mount, Mount::open(std::move(device), options));
  BF_ASSIGN(InodePtr inode, find(*mount, path));
  if (S_ISDIR(get_attr(*mount, *inode).st_mode)) return show_directory(*mount, *inode);
  return show_file(*mount, std::move(inode));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: list_image IMAGE PATH\n");
    return 2;
  }
  set_log_sink([](LogLevel level, std::string_view message) {
    if (level >= LogLevel::warning)
      std::fprintf(stderr, "%.*s\n", static_cast<int>(message.size()), message.data());
  });
  const Status shown = show(argv[1], argv[2]);
  if (!shown) std::fprintf(stderr, "list_image: %s\n", shown.error().message.c_str());
  return shown ? 0 : 1;
}
