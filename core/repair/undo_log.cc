// SPDX-License-Identifier: GPL-2.0-or-later
// Undo log: head, devices, pages (device, length, offset, sums of the new bytes, old bytes), checksum of all.
//
//     ┌──────┬──────────┬──────────┬──────┬───────────┬───────────┬──────┬─ ─ ─┬────────┐
//     │ Head │ Device 0 │ Device 1 │ Page │ new sums  │ old bytes │ Page │     │ crc32c │
//     └──────┴──────────┴──────────┴──────┴───────────┴───────────┴──────┴─ ─ ─┴────────┘
//
// Written from front to end, so that it needs no seeking. It is whole when its last four bytes match and are
// all that is left behind the last page.
// Of the new bytes only sums are kept: they are on the devices. The log is written before the devices are,
// and its folder is flushed with it: there is no moment with changed devices and no way back.
#include "core/repair/undo_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/base/le.h"
#include "core/base/log.h"
#include "core/volume/superblock.h"

namespace butterfuse::repair {
namespace {

constexpr char kMagic[] = "BFUNDO2";
constexpr char kOldMagic[] = "BFUNDO1";  // could not tell whether somebody had written since

struct [[gnu::packed]] Head {
  char magic[8];
  le64 devices;
  le64 pages;
  le64 errors;  // that the repair found
};
struct [[gnu::packed]] Device {
  le64 size;
  uint8_t uuid[16];  // of its DEV_ITEM; zero where it had no valid superblock
  LoggedState before, after;
};
// Behind it the sums of the new bytes, one a sector, then the old bytes.
struct [[gnu::packed]] Page {
  le32 device, length;  // a length of 0: what was there could not be read
  le64 offset;
};

Error failed(const char* what, const std::string& path) {
  return Error{errno, fmt::format("undo log {}: {}: {}", path, what, std::strerror(errno))};
}

LoggedState state_of(const DiskSuper& super) { return {super.generation, super.log_root}; }

Device describe(BlockDevice& device, BlockDevice& repaired) {
  Device described{};
  described.size = device.size_bytes();
  const auto super = read_newest_super(device);
  if (super) std::memcpy(described.uuid, super->dev_item.uuid, sizeof described.uuid);
  if (super) described.before = state_of(*super);
  if (const auto after = read_newest_super(repaired)) described.after = state_of(*after);
  return described;
}

std::vector<std::byte> sums_of(ByteSpan page) {
  std::vector<std::byte> sums;
  for (size_t at = 0; at < page.size(); at += kUndoSector) {
    const CsumValue sum = undo_sum(page.subspan(at, std::min(kUndoSector, page.size() - at)));
    sums.insert(sums.end(), sum.begin(), sum.begin() + kUndoSumBytes);
  }
  return sums;
}

// So that a power cut does not take the file's name.
Status sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::absolute(path).parent_path().string();
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return tl::unexpected(failed("open its folder", path));
  const bool synced = ::fsync(fd) == 0;
  const int code = errno;
  ::close(fd);
  return synced ? Status{}
                : make_error(code, "undo log {}: fsync of its folder: {}", path, std::strerror(code));
}

// A file that is written from its start to its end, with a running checksum.
class LogFile {
 public:
  LogFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~LogFile() { ::close(fd_); }
  LogFile(const LogFile&) = delete;

  Status write(ByteSpan bytes) {
    sum_ = crc32c_raw(sum_, bytes);
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return tl::unexpected(failed("write", path_));
      bytes = bytes.subspan(static_cast<size_t>(written));
    }
    return {};
  }
  Status finish() {
    const le32 sum = sum_;
    BF_TRY(write(object_bytes(sum)));
    if (::fsync(fd_) != 0) return tl::unexpected(failed("fsync", path_));
    return {};
  }

 private:
  const std::string path_;
  const int fd_;
  uint32_t sum_ = ~uint32_t{0};
};

Status write_old_pages(LogFile& file, const std::vector<std::shared_ptr<BlockDevice>>& devices,
                       const std::vector<std::shared_ptr<MemoryDevice>>& overlays) {
  std::vector<std::byte> old;
  for (size_t device = 0; device < overlays.size(); ++device) {
    const auto save = [&](uint64_t offset, ByteSpan page) -> Status {
      old.resize(page.size());
      if (const Status read = devices[device]->read(offset, old); !read) {
        log(LogLevel::warning, "undo will not bring back what can't be read: {}", read.error().message);
        old.clear();
      }
      BF_TRY(file.write(
          object_bytes(Page{static_cast<uint32_t>(device), static_cast<uint32_t>(old.size()), offset})));
      if (!old.empty()) BF_TRY(file.write(sums_of(page)));
      return file.write(old);
    };
    BF_TRY(overlays[device]->for_each_page(save));
  }
  return file.finish();
}

Status write_log(LogFile& file, const std::vector<std::shared_ptr<BlockDevice>>& devices,
                 const std::vector<std::shared_ptr<MemoryDevice>>& overlays, uint64_t errors) {
  Head head{};
  std::memcpy(head.magic, kMagic, sizeof head.magic);
  head.devices = devices.size();
  uint64_t pages = 0;
  for (const auto& overlay : overlays)
    BF_TRY(overlay->for_each_page([&](uint64_t, ByteSpan) -> Status { return ++pages, Status{}; }));
  head.pages = pages;
  head.errors = errors;
  BF_TRY(file.write(object_bytes(head)));
  for (size_t i = 0; i < devices.size(); ++i)
    BF_TRY(file.write(object_bytes(describe(*devices[i], *overlays[i]))));
  return write_old_pages(file, devices, overlays);
}

bool has_magic(const std::string& text, const char (&magic)[sizeof(Head::magic)]) {
  return text.size() >= sizeof magic && std::memcmp(text.data(), magic, sizeof magic) == 0;
}

Error no_undo_log(const std::string& path) { return Error{EINVAL, path + " is no undo log"}; }

// Appends up to `wanted` bytes; fewer at the end of the file.
Status read_more(int fd, size_t wanted, const std::string& path, std::string& text) {
  const size_t before = text.size();
  text.resize(before + wanted);
  size_t size = before;
  while (size < text.size()) {
    const ssize_t got = ::read(fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::unexpected(failed("read", path));
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  text.resize(size);
  return {};
}

// Of a regular file, without waiting for anything; no more than its head where that says that it
// is something else.
Result<std::string> content_of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return tl::unexpected(failed("open", path));
  if (!S_ISREG(info.st_mode)) return tl::unexpected(no_undo_log(path));
  const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return tl::unexpected(failed("open", path));
  std::string text;
  Status read = ::fstat(fd, &info) == 0 ? Status{} : tl::unexpected(failed("open", path));
  if (read && !S_ISREG(info.st_mode)) read = tl::unexpected(no_undo_log(path));
  if (read) read = read_more(fd, sizeof(Head), path, text);
  if (read && (has_magic(text, kMagic) || has_magic(text, kOldMagic)))
    read = read_more(fd, std::max<uint64_t>(info.st_size, sizeof(Head)) - sizeof(Head), path, text);
  ::close(fd);
  if (!read) return tl::unexpected(read.error());
  return text;
}

// Takes objects off the front of what is left; false where less is left than the object needs.
struct Parser {
  ByteSpan rest;
  template <class T>
  bool take(T& object) {
    if (rest.size() < sizeof(T)) return false;
    object = load<T>(rest);
    rest = rest.subspan(sizeof(T));
    return true;
  }
};

}  // namespace

Status write_undo_log(const std::string& path, const std::vector<std::shared_ptr<BlockDevice>>& devices,
                      const std::vector<std::shared_ptr<MemoryDevice>>& overlays, uint64_t errors) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return tl::unexpected(failed("create", path));
  LogFile file(path, fd);
  Status written = write_log(file, devices, overlays, errors);
  if (written) written = sync_folder_of(path);
  if (!written) ::unlink(path.c_str());  // a part of it would be no way back
  return written;
}

Result<std::unique_ptr<UndoLog>> UndoLog::read(const std::string& path) {
  std::unique_ptr<UndoLog> log(new UndoLog());
  log->path_ = path;
  BF_ASSIGN(log->text_, content_of(path));
  BF_TRY(log->parse());
  return log;
}

Status UndoLog::parse() {
  Parser parser{as_bytes(text_)};
  Head head{};
  if (has_magic(text_, kOldMagic))
    return make_error(EINVAL, "undo log {} is of an older version: undo with the butterfuse that wrote it",
                      path_);
  if (!has_magic(text_, kMagic)) return tl::unexpected(no_undo_log(path_));
  if (text_.size() < sizeof head + sizeof(le32) || !parser.take(head) ||
      load<le32>(as_bytes(text_).last(sizeof(le32))) !=
          crc32c_raw(~uint32_t{0}, as_bytes(text_).first(text_.size() - sizeof(le32))))
    return make_error(EUCLEAN,
                      "undo log {} is cut short or damaged: its checksum does not match; nothing was changed",
                      path_);
  errors_ = head.errors;
  const auto cut = [&] { return make_error(EUCLEAN, "undo log {} is cut short", path_); };
  for (uint64_t number = 0; number < head.devices; ++number) {
    Device device{};
    if (!parser.take(device)) return cut();
    LoggedDevice logged{device.size, {}, device.before, device.after};
    std::memcpy(logged.uuid.bytes.data(), device.uuid, sizeof device.uuid);
    devices_.push_back(logged);
  }
  for (uint64_t number = 0; number < head.pages; ++number) {
    Page page{};
    if (!parser.take(page) || page.device >= devices_.size()) return cut();
    const size_t sums = (page.length + kUndoSector - 1) / kUndoSector * kUndoSumBytes;
    if (parser.rest.size() < sums + page.length) return cut();
    pages_.push_back(
        {page.device, page.offset, parser.rest.subspan(sums, page.length), parser.rest.first(sums)});
    parser.rest = parser.rest.subspan(sums + page.length);
  }
  // The checksum alone does not tell: over bytes that end with their own checksum it may match a cut by one.
  if (parser.rest.size() != sizeof(le32)) return cut();
  return {};
}

CsumValue undo_sum(ByteSpan sector) { return checksum(CsumType::xxhash, sector); }

}  // namespace butterfuse::repair
