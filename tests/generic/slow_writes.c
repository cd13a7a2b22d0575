// SPDX-License-Identifier: GPL-2.0-or-later
// Preloaded: a disk that takes a fifth of a second for each write, one after the other, while there is a file
// named $SLOW_WHILE.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER;
static const char* slow_while;

__attribute__((constructor)) static void begin(void) { slow_while = getenv("SLOW_WHILE"); }

static void wait_for_the_disk(void) {
  const struct timespec time = {0, 200 * 1000 * 1000};
  pthread_mutex_lock(&disk);
  if (slow_while && access(slow_while, F_OK) == 0) nanosleep(&time, 0);
  pthread_mutex_unlock(&disk);
}

ssize_t pwrite64(int fd, const void* bytes, size_t count, off_t offset) {
  wait_for_the_disk();
  return syscall(SYS_pwrite64, fd, bytes, count, offset);
}
ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  return pwrite64(fd, bytes, count, offset);
}
ssize_t pwritev64(int fd, const struct iovec* pieces, int count, off_t offset) {
  wait_for_the_disk();
  return syscall(SYS_pwritev, fd, pieces, count, offset, 0);
}
ssize_t pwritev(int fd, const struct iovec* pieces, int count, off_t offset) {
  return pwritev64(fd, pieces, count, offset);
}
