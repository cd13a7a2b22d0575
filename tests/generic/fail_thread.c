// SPDX-License-Identifier: GPL-2.0-or-later
// Preloaded into the daemon: the FAIL_THREADth thread, and with FAIL_FOREVER all behind it, can't be started.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_int started;

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
  static int (*real)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  const char* nth = getenv("FAIL_THREAD");
  const int number = atomic_fetch_add(&started, 1) + 1;
  if (nth && (number == atoi(nth) || (getenv("FAIL_FOREVER") && number > atoi(nth)))) return EAGAIN;
  if (!real)
    real = (int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*))dlsym(RTLD_NEXT,
                                                                                      "pthread_create");
  return real(thread, attributes, run, argument);
}
