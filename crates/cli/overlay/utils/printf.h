/* printf without a heap: what is printed goes to descriptor 1 at once. The C library's printf would allocate a buffer,
 * in the middle of the allocator that is being looked at.
 *
 * Conversions: d i u o x X c s p %, with h hh l ll j z t, a width, a precision, and the flags - 0 + space #.
 * Any other conversion, floating point too, is printed as it stands in the format.
 */
#ifndef OSMEM_COURSE_PRINTF_H
#define OSMEM_COURSE_PRINTF_H

#include <stdarg.h>
#include <stddef.h>
/* Before the names below change their meaning. */
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define OSMEM_COURSE_FORMAT(format, first) __attribute__((__format__(__printf__, format, first)))
#else
#define OSMEM_COURSE_FORMAT(format, first)
#endif

int printf_(const char *format, ...) OSMEM_COURSE_FORMAT(1, 2);
int vprintf_(const char *format, va_list va) OSMEM_COURSE_FORMAT(1, 0);
int sprintf_(char *buffer, const char *format, ...) OSMEM_COURSE_FORMAT(2, 3);
int snprintf_(char *buffer, size_t count, const char *format, ...) OSMEM_COURSE_FORMAT(3, 4);
int vsnprintf_(char *buffer, size_t count, const char *format, va_list va) OSMEM_COURSE_FORMAT(3, 0);

#undef printf
#undef vprintf
#undef sprintf
#undef snprintf
#undef vsnprintf
#define printf printf_
#define vprintf vprintf_
#define sprintf sprintf_
#define snprintf snprintf_
#define vsnprintf vsnprintf_

#ifdef __cplusplus
}
#endif

#endif
