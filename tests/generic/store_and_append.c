// SPDX-License-Identifier: GPL-2.0-or-later
// A file grows by write(2), is stored into through a mapping, and another thread writes it back all the time.
// Prints how many of the writes were lost behind the old end of the file: in their own page, for good.
//
//   store_and_append FILE WRITES
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { kMost = 1 << 22, kWriteMost = 4000, kTries = 50 };

static int file;
static atomic_int over;
static char expected[kMost], found[kMost], counted[kMost];

static void* write_back(void* unused) {
  while (!over) sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE);
  return unused;
}

static int is_as_expected(size_t from, size_t to) {
  for (size_t at = from; at < to; ++at)
    if (found[at] != expected[at] && !counted[at]) return 0;
  return 1;
}

// What the kernel shows for a moment may be old; what it still shows then counts, once: a writeback may come
// so late that the right bytes are seen after that.
static int is_lost(size_t from, size_t to) {
  for (int i = 0; i < kTries; ++i, usleep(1000)) {
    const ssize_t got = pread(file, found + from, to - from, (off_t)from);
    if (got == (ssize_t)(to - from) && is_as_expected(from, to)) return 0;
  }
  for (size_t at = from; at < to; ++at) counted[at] |= found[at] != expected[at];
  return 1;
}

int main(int count, char** arguments) {
  if (count != 3) return 2;
  file = open(arguments[1], O_RDWR | O_CREAT | O_TRUNC, 0644);
  char* const memory = mmap(NULL, kMost, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (file < 0 || memory == MAP_FAILED) return perror(arguments[1]), 2;
  pthread_t thread;
  if (pthread_create(&thread, NULL, write_back, NULL) != 0) return 2;
  unsigned seed = 1;
  int lost = 0;
  size_t size = 0;
  for (int i = atoi(arguments[2]); i > 0 && size + kWriteMost <= kMost; --i) {
    const size_t length = 1 + (size_t)rand_r(&seed) % kWriteMost, old = size;
    for (size_t at = 0; at < length; ++at) expected[size + at] = (char)(1 + rand_r(&seed) % 255);
    ssize_t done;
    while ((done = pwrite(file, expected + old, length, (off_t)old)) < 0 && errno == EINTR) {
    }
    if (done != (ssize_t)length) return perror("write"), 2;
    size += length;
    const size_t store = rand_r(&seed) % 2 ? old & ~(size_t)4095 : (size_t)rand_r(&seed) % size;
    memory[store] = expected[store] = (char)(1 + rand_r(&seed) % 255);
    lost += is_lost(old & ~(size_t)4095, size);
  }
  over = 1;
  pthread_join(thread, NULL);
  if (fsync(file) != 0) return perror("fsync"), 2;
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  lost += is_lost(0, size);
  printf("%d\n", lost);
  return 0;
}
