/* SPDX-License-Identifier: BSD-2-Clause */
/* Lock annotations: clang checks them (-Wthread-safety), for gcc they are nothing. */
#pragma once

#ifdef __clang__
#define LOCK_TYPE	 __attribute__((capability("lock")))
#define ACQUIRES(l)	 __attribute__((acquire_capability(l)))
#define TRY_ACQUIRES(r, l) __attribute__((try_acquire_capability(r, l)))
#define RELEASES(l)	 __attribute__((release_capability(l)))
#define HOLDS(l)	 __attribute__((requires_capability(l)))
#define GUARDED_BY(l)	 __attribute__((guarded_by(l)))
#define NO_LOCK_ANALYSIS __attribute__((no_thread_safety_analysis))
#else
#define LOCK_TYPE
#define ACQUIRES(l)
#define TRY_ACQUIRES(r, l)
#define RELEASES(l)
#define HOLDS(l)
#define GUARDED_BY(l)
#define NO_LOCK_ANALYSIS
#endif
