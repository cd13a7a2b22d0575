// SPDX-License-Identifier: GPL-2.0-or-later
// A library to preload: reads, writes and flushes of chosen files fail while the control file says so.
//
// FAIL_NAMES=a.img:b.img names the files by the end of their path, FAIL_CONTROL a file with three letters for
// each: of its reads, writes and flushes. '-': as always; 'e': EIO; 'n': ENOSPC; 's': half of it is done;
// 'o': EIO once, which turns the letter into '-'.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum { reads, writes, flushes, kinds };
enum { control_bytes = 4096 };
static volatile char* control;

__attribute__((constructor)) static void open_control(void) {
  const char* path = getenv("FAIL_CONTROL");
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void* mapped = mmap(NULL, control_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  control = mapped == MAP_FAILED ? NULL : mapped;
  close(fd);
}

// Number of the name, or -1.
static int place_of(int fd) {
  char link[40], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return -1;
  path[length] = 0;
  int number = 0;
  for (const char* name = getenv("FAIL_NAMES"); name && *name; ++number) {
    size_t size = strcspn(name, ":");
    if ((size_t)length > size && path[length - size - 1] == '/' && !strncmp(path + length - size, name, size))
      return number;
    name += size + (name[size] == ':');
  }
  return -1;
}

static char manner(int fd, int kind) {
  const int saved = errno, place = control ? place_of(fd) : -1;
  errno = saved;
  if (place < 0) return '-';
  volatile char* letter = &control[place * kinds + kind];
  char now = *letter;
  if (now == 'o') *letter = '-';
  return now;
}

// Whether the call fails, with errno set; '*size' may become smaller.
static int fails(int fd, int kind, size_t* size) {
  switch (manner(fd, kind)) {
    case 'e':
    case 'o':
      errno = EIO;
      return 1;
    case 'n':
      errno = ENOSPC;
      return 1;
    case 's':
      if (size && *size > 1) *size /= 2;
      return 0;
  }
  return 0;
}

#define NEXT(name)               \
  static __typeof__(name)* next; \
  if (!next) next = dlsym(RTLD_NEXT, #name)
#define READ(name, type)                                            \
  ssize_t name(int fd, void* into, size_t size, type at) {          \
    NEXT(name);                                                     \
    return fails(fd, reads, &size) ? -1 : next(fd, into, size, at); \
  }
#define WRITE(name, type)                                            \
  ssize_t name(int fd, const void* from, size_t size, type at) {     \
    NEXT(name);                                                      \
    return fails(fd, writes, &size) ? -1 : next(fd, from, size, at); \
  }
#define WRITEV(name, type)                                             \
  ssize_t name(int fd, const struct iovec* list, int count, type at) { \
    NEXT(name);                                                        \
    return fails(fd, writes, NULL) ? -1 : next(fd, list, count, at);   \
  }
READ(pread, off_t)
READ(pread64, off64_t)
WRITE(pwrite, off_t)
WRITE(pwrite64, off64_t)
WRITEV(pwritev, off_t)
WRITEV(pwritev64, off64_t)
int fdatasync(int fd) {
  NEXT(fdatasync);
  return fails(fd, flushes, NULL) ? -1 : next(fd);
}
int fsync(int fd) {
  NEXT(fsync);
  return fails(fd, flushes, NULL) ? -1 : next(fd);
}
