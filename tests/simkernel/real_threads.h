// SPDX-License-Identifier: GPL-2.0-or-later
// The C library's own functions, behind those that interposed.cc puts in front of them.
#pragma once

#include <pthread.h>

namespace butterfuse::simkernel::real {

int mutex_trylock(pthread_mutex_t* mutex);
int mutex_unlock(pthread_mutex_t* mutex);
int rwlock_tryrdlock(pthread_rwlock_t* lock);
int rwlock_trywrlock(pthread_rwlock_t* lock);
int rwlock_unlock(pthread_rwlock_t* lock);
int create(pthread_t* id, const pthread_attr_t* attributes, void* (*run)(void*), void* argument);
int join(pthread_t id, void** result);

}  // namespace butterfuse::simkernel::real
