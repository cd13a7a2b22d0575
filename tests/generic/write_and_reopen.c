// SPDX-License-Identifier: GPL-2.0-or-later
// A file is written again and again while other threads open it for reading. Prints how many of the writes
// its readers are still without when all is quiet: the kernel keeps a page from before.
//
//   write_and_reopen FILE SIZE WRITES
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kMost = 1 << 22, kReaders = 2, kPage = 4096 };

static const char* path;
static size_t size;
static atomic_int over;
static pthread_barrier_t begins, is_quiet;
static atomic_int writing;
static char written[kMost], found[kMost];

// Looks where the write is: at the ends of the file, which an open for reading may have dropped.
static void* reopen(void* argument) {
  unsigned seed = (unsigned)(uintptr_t)argument;
  char page[kPage];
  for (;;) {
    pthread_barrier_wait(&begins);
    if (over) return NULL;
    while (writing) {
      const int file = open(path, O_RDONLY);
      if (file < 0) return perror(path), NULL;
      if (pread(file, page, kPage, rand_r(&seed) % 2 ? 0 : (off_t)(size - kPage)) != kPage) perror("read");
      close(file);
    }
    pthread_barrier_wait(&is_quiet);
  }
}

int main(int count, char** arguments) {
  if (count != 4) return 2;
  path = arguments[1];
  size = (size_t)atoi(arguments[2]);
  const int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
  if (file < 0 || size > kMost || pwrite(file, written, size, 0) != (ssize_t)size) return perror(path), 2;
  pthread_barrier_init(&begins, NULL, kReaders + 1);
  pthread_barrier_init(&is_quiet, NULL, kReaders + 1);
  pthread_t threads[kReaders];
  for (int i = 0; i < kReaders; ++i)
    if (pthread_create(&threads[i], NULL, reopen, (void*)(uintptr_t)(i + 1)) != 0) return 2;
  int old = 0;
  for (int i = atoi(arguments[3]); i > 0; --i) {
    memset(written, 1 + i % 255, size);
    writing = 1;
    pthread_barrier_wait(&begins);
    if (pwrite(file, written, size, 0) != (ssize_t)size) return perror("write"), 2;
    writing = 0;
    pthread_barrier_wait(&is_quiet);
    if (pread(file, found, size, 0) != (ssize_t)size) return perror("read"), 2;
    old += memcmp(found, written, size) != 0;
  }
  over = 1;
  pthread_barrier_wait(&begins);
  for (int i = 0; i < kReaders; ++i) pthread_join(threads[i], NULL);
  printf("%d\n", old);
  return 0;
}
