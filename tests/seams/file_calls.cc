// SPDX-License-Identifier: GPL-2.0-or-later
// FileWorker: each kind of call.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/aio_abi.h>
#include <linux/btrfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "tests/seams/file_worker.h"

namespace butterfuse::seams {
namespace {

constexpr uint64_t kPage = 4096;

// Memory at the begin of a page, or `shift` bytes behind it.
class PageBuffer {
 public:
  explicit PageBuffer(size_t length, size_t shift = 0)
      : memory_(std::aligned_alloc(kPage, (length + shift + kPage) / kPage * kPage), std::free),
        shift_(shift) {}
  char* data() { return static_cast<char*>(memory_.get()) + shift_; }

 private:
  std::unique_ptr<void, void (*)(void*)> memory_;
  size_t shift_;
};

// Several writes handed to the kernel at once; what each of them returned.
long run_aio(int fd, const std::vector<Range>& ranges, std::vector<PageBuffer>& buffers,
             std::vector<long>& results) {
  aio_context_t context = 0;
  if (syscall(SYS_io_setup, ranges.size(), &context) != 0) return -static_cast<long>(errno);
  std::vector<iocb> blocks(ranges.size());
  std::vector<iocb*> pointers;
  for (size_t i = 0; i < ranges.size(); ++i) {
    blocks[i] = {};
    blocks[i].aio_data = i;
    blocks[i].aio_lio_opcode = IOCB_CMD_PWRITE;
    blocks[i].aio_fildes = static_cast<uint32_t>(fd);
    blocks[i].aio_buf = reinterpret_cast<uint64_t>(buffers[i].data());
    blocks[i].aio_nbytes = ranges[i].length();
    blocks[i].aio_offset = static_cast<int64_t>(ranges[i].start);
    pointers.push_back(&blocks[i]);
  }
  const long submitted = or_errno(syscall(SYS_io_submit, context, pointers.size(), pointers.data()));
  std::vector<io_event> events(ranges.size());
  long got = 0;
  if (submitted > 0)
    got = or_errno(syscall(SYS_io_getevents, context, submitted, submitted, events.data(), nullptr));
  for (long i = 0; i < got; ++i)
    results[events[static_cast<size_t>(i)].data] = events[static_cast<size_t>(i)].res;
  syscall(SYS_io_destroy, context);
  return submitted < 0 ? submitted : got;
}

}  // namespace

void FileWorker::write_some(int flags, const char* how) {
  const auto spot = pick();
  if (!spot) return;
  const Range range = pick_range(*spot, false, false);
  if (range.length() == 0) return;
  write(target(*spot, flags), range.start, random_.bytes(range.length(), stamp_), how, false, flags != 0);
}

void FileWorker::append() {
  const auto spot = pick(true);
  if (!spot) return;
  FileModel& model = *spot->file->model;
  const uint64_t size = model.size(), length = random_.length(life_.setting.style.call_bytes);
  if (size + length > model.capacity()) return truncate();
  write(target(*spot, O_APPEND), size, random_.bytes(length, stamp_), "append", true);
}

void FileWorker::store() {
  const auto spot = pick();
  if (!spot || !spot->file->may_map) return;
  Range range = pick_range(*spot, true, false);
  FileModel& model = *spot->file->model;
  range.end = std::min(range.end, model.size());
  if (range.length() == 0) return;
  const std::string bytes = random_.bytes(range.length(), stamp_);
  Mapping& memory = mapping(*spot);
  const std::string what = fmt::format("store {} [{}, {})", spot->file->name, range.start, range.end);
  const Pending pending = model.begin_write(range.start, bytes, true);
  const Called called =
      call(what, [&] { return memory.store(range.start, bytes) ? 0L : -static_cast<long>(EIO); });
  check(called, what);
  model.end(pending, life_.clock);
}

// FUSE takes any offset and length; those that a disk would take are the most likely.
void FileWorker::direct_write() {
  const auto spot = pick();
  if (!spot || !spot->file->may_direct) return;
  Range range = pick_range(*spot, false, true);
  if (random_.chance(70) && range.length() != 0) {
    range.start = range.start / kPage * kPage;
    range.end = (range.end + kPage - 1) / kPage * kPage;
    const Range zone = spot->file->model->zone(spot->zone);
    if (range.start < zone.start || range.end > zone.end) return;
  }
  if (range.length() == 0) return;
  std::string bytes = random_.bytes(range.length(), stamp_);
  PageBuffer buffer(bytes.size(), random_.chance(80) ? 0 : 512);
  std::memcpy(buffer.data(), bytes.data(), bytes.size());
  const Target to = target(*spot, O_DIRECT);
  const std::string what = fmt::format("O_DIRECT write {} [{}, {})", to.name, range.start, range.end);
  const size_t length = bytes.size();
  const Pending pending = to.model->begin_write(range.start, std::move(bytes), false);
  const Called called = call(
      what, [&] { return or_errno(pwrite(to.fd, buffer.data(), length, static_cast<off_t>(range.start))); });
  end_change(*to.model, pending, called);
  if (called.ok() && life_.setting.sync) {
    const uint64_t now = life_.clock.tick();
    to.model->promise(range, now, size_time(pending, called, now));
  }
  if (called.result != static_cast<long>(length)) read(target(*spot), range, "read after a part of");
  check(called, what);
}

void FileWorker::aio() {
  const auto spot = pick();
  if (!spot) return;
  const int flags = spot->file->may_direct && random_.chance(60) ? O_DIRECT : 0;
  Range zone = spot->file->model->zone(spot->zone);
  zone.end = std::min(zone.end, spot->file->model->size());
  std::vector<Range> ranges;
  uint64_t at = (random_.offset(zone.start, zone.end) + kPage - 1) / kPage * kPage;
  for (uint64_t i = random_.between(2, 5); i > 0; --i) {
    const uint64_t length = random_.between(1, 6) * kPage;
    if (at + length > zone.end) break;
    ranges.push_back({at, at + length});
    at += length + random_.below(3) * kPage;
  }
  if (ranges.empty()) return;
  std::vector<PageBuffer> buffers;
  std::vector<Pending> pendings;
  const Target to = target(*spot, flags);
  for (const Range range : ranges) {
    std::string bytes = random_.bytes(range.length(), stamp_);
    std::memcpy(buffers.emplace_back(bytes.size()).data(), bytes.data(), bytes.size());
    pendings.push_back(to.model->begin_write(range.start, std::move(bytes), loose_writes() && flags == 0));
  }
  const std::string what =
      fmt::format("{} writes by aio{} {} [{}, {})", ranges.size(), flags != 0 ? ", O_DIRECT," : "", to.name,
                  ranges.front().start, ranges.back().end);
  std::vector<long> results(ranges.size(), -EAGAIN);
  const Called called = call(what, [&] {
    const long result = run_aio(to.fd, ranges, buffers, results);
    const long worst = *std::min_element(results.begin(), results.end());
    return result < 0 ? result : std::min(worst, 0L);
  });
  for (size_t i = 0; i < ranges.size(); ++i) end_change(*to.model, pendings[i], {results[i], called.begun});
  check(called, what);
}

void FileWorker::change_range(int mode, const char* how) {
  const bool grows = (mode & FALLOC_FL_KEEP_SIZE) == 0;
  const auto spot = pick();
  if (!spot) return;
  const Range range = pick_range(*spot, grows && !spot->is_tail(), true);
  if (range.length() == 0) return;
  const Target to = target(*spot);
  const std::string what = fmt::format("{} {} [{}, {})", how, to.name, range.start, range.end);
  const Pending pending = to.model->begin_clear(range, grows);
  const Called called = call(what, [&] {
    return or_errno(
        fallocate(to.fd, mode, static_cast<off_t>(range.start), static_cast<off_t>(range.length())));
  });
  end_resize(*to.model, pending, called);
  if (!called.ok()) read(to, range, "read after failing to change");
  check(called, what);
}

void FileWorker::preallocate() {
  const bool keep = random_.chance(40);
  const auto spot = pick();
  if (!spot) return;
  const Range range = pick_range(*spot, !spot->is_tail(), false);
  if (range.length() == 0) return;
  const Target to = target(*spot);
  const std::string what =
      fmt::format("preallocate{} {} [{}, {})", keep ? " inside" : "", to.name, range.start, range.end);
  std::optional<Pending> pending;
  if (!keep && range.end > to.model->size()) pending = to.model->begin_resize(range.end);
  const Called called = call(what, [&] {
    return or_errno(fallocate(to.fd, keep ? FALLOC_FL_KEEP_SIZE : 0, static_cast<off_t>(range.start),
                              static_cast<off_t>(range.length())));
  });
  if (pending) end_resize(*to.model, *pending, called);
  check(called, what);
}

void FileWorker::odd_fallocate() {
  const int mode = random_.pick<int>({FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE,
                                      FALLOC_FL_UNSHARE_RANGE, FALLOC_FL_PUNCH_HOLE,
                                      FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE});
  const auto spot = pick();
  if (!spot) return;
  const Target to = target(*spot);
  const std::string what = fmt::format("fallocate {} mode {:#x}", to.name, mode);
  const Called called = call(what, [&] { return or_errno(fallocate(to.fd, mode, 0, kPage)); });
  if (called.result != -EOPNOTSUPP && called.result != -EINVAL && !life_.is_over())
    life_.complain(fmt::format("{} gave {}", what, called.result));
}

void FileWorker::copy_some() {
  const auto from = pick(), to = pick();
  if (!from || !to) return;
  const Range source = pick_range(*from, true, false);
  Range target_range = pick_range(*to, false, true);
  if (source.length() == 0 || target_range.length() == 0) return;
  uint64_t length = std::min(source.length(), target_range.length());
  if (random_.chance(50)) length = random_.length(life_.setting.style.call_bytes);
  Range from_zone = from->file->model->zone(from->zone), to_zone = to->file->model->zone(to->zone);
  if (!to->file->is_solo() && !to->is_tail()) to_zone.end = to_zone.end / kPage * kPage;
  from_zone.end = std::min(from_zone.end, from->file->model->size());
  uint64_t from_offset = source.start, to_offset = target_range.start;
  if (random_.chance(75)) {  // so that extents can be shared
    from_offset = from_offset / kPage * kPage, to_offset = to_offset / kPage * kPage;
    if (random_.chance(60)) length = (length + kPage - 1) / kPage * kPage;
  }
  if (from_offset < from_zone.start || to_offset < to_zone.start || from_offset >= from_zone.end) return;
  length = std::min({length, from_zone.end - from_offset, to_zone.end - std::min(to_zone.end, to_offset)});
  const bool same = from->file == to->file;
  if (length == 0 || (same && from_offset < to_offset + length && to_offset < from_offset + length)) return;
  copy(target(*from), from_offset, target(*to), to_offset, length);
}

void FileWorker::truncate() {
  const auto spot = pick(true);
  if (!spot) return;
  FileModel& model = *spot->file->model;
  const uint64_t size = model.size(), lowest = model.zone(spot->zone).start;
  uint64_t wanted = random_.offset(lowest, std::min(model.capacity(), std::max(size, lowest) + (64u << 10)));
  if (random_.chance(10)) wanted = size;
  if (random_.chance(20)) wanted = std::max(lowest, size - std::min<uint64_t>(size, random_.length(9000)));
  if (random_.chance(8) && lowest == 0) wanted = 0;
  resize(target(*spot), wanted);
}

void FileWorker::read_some() {
  const auto spot = pick();
  if (!spot) return;
  Range range = pick_range(*spot, false, true);
  if (random_.chance(20)) range = spot->file->model->zone(spot->zone);
  if (range.length() == 0) return;
  const uint64_t way = random_.below(10);
  if (way < 6 || (way < 8 && !spot->file->may_direct) || (way >= 8 && !spot->file->may_map))
    return read(target(*spot), range, "read");
  if (way < 8) {
    const Target from = target(*spot, O_DIRECT);
    PageBuffer buffer(range.length());
    const std::string what = fmt::format("O_DIRECT read {} [{}, {})", from.name, range.start, range.end);
    const Called called = call(what, [&] {
      return or_errno(pread(from.fd, buffer.data(), range.length(), static_cast<off_t>(range.start)));
    });
    check(called, what);
    if (called.ok())
      compare(from, range, std::string(buffer.data(), static_cast<size_t>(called.result)), "O_DIRECT read");
    return;
  }
  range.end = std::min(range.end, spot->file->model->size());
  if (range.length() == 0) return;
  std::string bytes(range.length(), '\0');
  Mapping& memory = mapping(*spot);
  const std::string what = fmt::format("load {} [{}, {})", spot->file->name, range.start, range.end);
  const Called called =
      call(what, [&] { return memory.load(range.start, bytes) ? 0L : -static_cast<long>(EIO); });
  check(called, what);
  if (called.ok()) compare({spot->file->name, spot->file->model.get(), -1}, range, bytes, "load");
}

// No byte of the zone that is not zero lies in a hole; and a file with such bytes occupies something.
void FileWorker::seek() {
  const auto spot = pick();
  if (!spot) return;
  const Target from = target(*spot);
  Range zone = from.model->zone(spot->zone);
  zone.end = std::min(zone.end, from.model->size());
  if (zone.length() == 0) return;
  const std::string expected = from.model->expected(zone);
  const std::string what = fmt::format("seek for data in {} [{}, {})", from.name, zone.start, zone.end);
  for (uint64_t at = zone.start; at < zone.end;) {
    const Called data =
        call(what, [&] { return or_errno(lseek(from.fd, static_cast<off_t>(at), SEEK_DATA)); });
    if (!data.ok() && data.result != -ENXIO) return check(data, what);
    const uint64_t hole_end = data.ok() ? std::min(zone.end, static_cast<uint64_t>(data.result)) : zone.end;
    const auto begin = expected.begin() + static_cast<std::ptrdiff_t>(at - zone.start);
    const auto end = expected.begin() + static_cast<std::ptrdiff_t>(hole_end - zone.start);
    const auto byte = std::find_if(begin, end, [](char c) { return c != 0; });
    if (byte != end && !life_.is_over()) {
      life_.complain(fmt::format("{}: SEEK_DATA at {} leads to {}, but there is data at {}", what, at,
                                 data.result, zone.start + static_cast<uint64_t>(byte - expected.begin())));
      throw Over{};
    }
    if (!data.ok()) return;
    at = hole_end;
    if (at >= zone.end) return;
    const Called hole =
        call(what, [&] { return or_errno(lseek(from.fd, static_cast<off_t>(at), SEEK_HOLE)); });
    if (!hole.ok()) return check(hole, what);
    if (static_cast<uint64_t>(hole.result) <= at && !life_.is_over())
      life_.complain(
          fmt::format("{}: SEEK_HOLE at {} gives {}, where SEEK_DATA found data", what, at, hole.result));
    at = static_cast<uint64_t>(hole.result);
  }
}

void FileWorker::sync(bool data_only) {
  const auto spot = pick();
  if (!spot) return;
  const Target of = target(*spot);
  const std::string what = fmt::format("{} {}", data_only ? "fdatasync" : "fsync", of.name);
  const Called called = call(what, [&] { return or_errno(data_only ? fdatasync(of.fd) : fsync(of.fd)); });
  if (!called.ok()) return check(called, what);
  of.model->promise_all(called.begun);
  promised();
}

void FileWorker::sync_mapping() {
  const auto spot = pick();
  if (!spot || !spot->file->may_map) return;
  Range range = pick_range(*spot, true, false);
  if (range.length() == 0) return;
  Mapping& memory = mapping(*spot);
  range.end = std::min(range.end, spot->file->model->capacity());
  const std::string what = fmt::format("msync {} [{}, {})", spot->file->name, range.start, range.end);
  const Called called = call(what, [&] { return -static_cast<long>(memory.sync(range.start, range.end)); });
  if (!called.ok()) return check(called, what);
  const Range pages{range.start / kPage * kPage, (range.end + kPage - 1) / kPage * kPage};
  // The size it needs: what lies behind the range may still be in the kernel only.
  const bool with_size = !loose_writes() || pages.end >= spot->file->model->size();
  spot->file->model->promise(pages, called.begun, with_size ? called.begun : 0);
  promised();
}

void FileWorker::start_writeback() {
  const auto spot = pick();
  if (!spot) return;
  const Target of = target(*spot);
  check(call("sync_file_range " + of.name,
             [&] { return or_errno(sync_file_range(of.fd, 0, 0, SYNC_FILE_RANGE_WRITE)); }),
        "sync_file_range");
}

void FileWorker::drop_pages() {
  const auto spot = pick();
  if (!spot) return;
  const Target of = target(*spot);
  call("drop pages of " + of.name,
       [&] { return -static_cast<long>(posix_fadvise(of.fd, 0, 0, POSIX_FADV_DONTNEED)); });
}

void FileWorker::drop_caches() {
  call("drop caches", [&] {
    const int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return 0L;
    const ssize_t written = ::write(fd, random_.chance(50) ? "3" : "2", 1);
    close(fd);
    return static_cast<long>(std::min<ssize_t>(written, 0));
  });
}

void FileWorker::defragment() {
  const auto spot = pick();
  if (!spot) return;
  const Target of = target(*spot);
  btrfs_ioctl_defrag_range_args arguments{};
  const uint64_t size = of.model->size();
  arguments.start = size == 0 || random_.chance(50) ? 0 : random_.offset(0, size);
  arguments.len = random_.chance(50) ? UINT64_MAX : random_.length(life_.setting.style.call_bytes);
  if (random_.chance(40)) {
    arguments.flags = BTRFS_DEFRAG_RANGE_COMPRESS;
    arguments.compress_type = static_cast<uint32_t>(random_.between(1, 3));
  }
  const Called called = call("defragment " + of.name,
                             [&] { return or_errno(ioctl(of.fd, BTRFS_IOC_DEFRAG_RANGE, &arguments)); });
  // Where another thread's call is under way the file may still, or already, end before that.
  if (called.result != -EINVAL || spot->file->is_solo() || arguments.start == 0) check(called, "defragment");
}

}  // namespace butterfuse::seams
