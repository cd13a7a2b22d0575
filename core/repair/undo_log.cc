// Undo log: a head, the devices' sizes, then pages (device, offset, length, bytes), and a checksum of it all.
#include "core/repair/undo_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/base/checksum.h"
#include "core/base/le.h"
#include "core/base/log.h"
#include "core/volume/superblock.h"

namespace butterfuse::repair {
namespace {

constexpr char kMagic[] = "BFUNDO1";

struct [[gnu::packed]] Head {
  char magic[8];
  le64 devices;
  le64 pages;
};
struct [[gnu::packed]] Device {
  le64 size;
  uint8_t uuid[16];       // of its DEV_ITEM; zero where it had no valid superblock
  le64 generation_after;  // of the repair
};
struct [[gnu::packed]] Page {
  le32 device, length;  // a length of 0: what was there could not be read
  le64 offset;
};

Error failed(const char* what, const std::string& path) {
  return Error{errno, fmt::format("undo log {}: {}: {}", path, what, std::strerror(errno))};
}

Device describe(BlockDevice& device, BlockDevice& repaired) {
  Device described{};
  described.size = device.size_bytes();
  const auto super = read_newest_super(device);
  if (super) std::memcpy(described.uuid, super->dev_item.uuid, sizeof described.uuid);
  const auto after = read_newest_super(repaired);
  described.generation_after = after ? uint64_t{after->generation} : UINT64_MAX;
  return described;
}

Status check_device(const std::string& path, const Device& logged, BlockDevice& device) {
  if (device.size_bytes() != logged.size)
    return make_error(EINVAL, "undo log {}: {} has {} bytes, not {}", path, device.path(),
                      device.size_bytes(), uint64_t{logged.size});
  const auto super = read_newest_super(device);
  if (!super) return {};  // perhaps the repair was cut while it wrote this
  if (std::memcmp(super->dev_item.uuid, logged.uuid, sizeof logged.uuid) != 0)
    return make_error(EINVAL, "undo log {} is not of {}", path, device.path());
  if (super->generation > logged.generation_after)
    return make_error(EINVAL, "undo log {}: {} was written since the repair: its generation is {}, not {}",
                      path, device.path(), uint64_t{super->generation}, uint64_t{logged.generation_after});
  return {};
}

// The order in which the devices were given may be another one today.
Result<std::vector<BlockDevice*>> in_logged_order(const std::string& path, const std::vector<Device>& logged,
                                                  const std::vector<BlockDevice*>& given) {
  std::vector<BlockDevice*> ordered;
  for (size_t i = 0; i < logged.size(); ++i) {
    BlockDevice* match = given[i];
    for (BlockDevice* device : given) {
      const auto super = read_newest_super(*device);
      if (super && std::memcmp(super->dev_item.uuid, logged[i].uuid, sizeof logged[i].uuid) == 0)
        match = device;
    }
    BF_TRY(check_device(path, logged[i], *match));
    ordered.push_back(match);
  }
  return ordered;
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

Status write_pages(LogFile& file, const std::vector<std::shared_ptr<BlockDevice>>& devices,
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
      return file.write(old);
    };
    BF_TRY(overlays[device]->for_each_page(save));
  }
  return file.finish();
}

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
                      const std::vector<std::shared_ptr<MemoryDevice>>& overlays) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return tl::unexpected(failed("create", path));
  LogFile file(path, fd);
  Head head{};
  std::memcpy(head.magic, kMagic, sizeof head.magic);
  head.devices = devices.size();
  uint64_t pages = 0;
  for (const auto& overlay : overlays)
    BF_TRY(overlay->for_each_page([&](uint64_t, ByteSpan) -> Status { return ++pages, Status{}; }));
  head.pages = pages;
  BF_TRY(file.write(object_bytes(head)));
  for (size_t i = 0; i < devices.size(); ++i)
    BF_TRY(file.write(object_bytes(describe(*devices[i], *overlays[i]))));
  BF_TRY(write_pages(file, devices, overlays));
  return sync_folder_of(path);
}

Result<uint64_t> undo(const std::string& path, const std::vector<BlockDevice*>& given) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return tl::unexpected(failed("open", path));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  Parser parser{as_bytes(text)};
  Head head{};
  if (!parser.take(head) || std::memcmp(head.magic, kMagic, sizeof head.magic) != 0)
    return make_error(EINVAL, "{} is no undo log", path);
  const ByteSpan summed = as_bytes(text).first(text.size() - sizeof(le32));
  if (load<le32>(as_bytes(text).last(sizeof(le32))) != crc32c_raw(~uint32_t{0}, summed))
    return make_error(EUCLEAN, "undo log {} is not whole: the repair had not begun to write", path);
  if (head.devices != given.size())
    return make_error(EINVAL, "undo log {} is of {} devices, {} are given", path, uint64_t{head.devices},
                      given.size());
  std::vector<Device> logged(given.size());
  for (Device& device : logged)
    if (!parser.take(device)) return make_error(EUCLEAN, "undo log {} is cut short", path);
  BF_ASSIGN(const std::vector<BlockDevice*> devices, in_logged_order(path, logged, given));
  uint64_t bytes = 0;
  Page page{};
  for (uint64_t number = 0; number < head.pages; ++number, bytes += page.length) {
    if (!parser.take(page) || page.device >= devices.size() || page.length > parser.rest.size())
      return make_error(EUCLEAN, "undo log {}: page {} is cut short", path, number);
    if (page.length == 0) continue;
    BF_TRY(devices[page.device]->write(page.offset, parser.rest.first(page.length), WriteKind::metadata));
    parser.rest = parser.rest.subspan(page.length);
  }
  for (BlockDevice* device : devices) BF_TRY(device->flush());
  return bytes;
}

}  // namespace butterfuse::repair
