/* printf without a heap; see printf.h. */
#include "printf.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <unistd.h>

/* A submission may bring a printf of its own under these names: then its own counts. */
#define WEAK __attribute__((weak))

/* Where characters go: into `buffer`, which is then cut off at `room`, or through it to a descriptor. */
struct sink {
	char *buffer;
	size_t room;
	size_t used;  /* characters in the buffer */
	size_t total; /* characters so far, those that were cut off too */
	int descriptor; /* -1: none */
};

/* One conversion of a format. */
struct spec {
	int left, zero, plus, space, alternate;
	int width;
	int precision; /* -1: none */
	char kind;
};

static void flush(struct sink *sink)
{
	size_t done = 0;

	while (done < sink->used) {
		ssize_t now = write(sink->descriptor, sink->buffer + done, sink->used - done);

		if (now < 0 && errno == EINTR)
			continue;
		if (now <= 0)
			break;
		done += (size_t)now;
	}
	sink->used = 0;
}

static void put(struct sink *sink, char c)
{
	if (sink->descriptor >= 0 && sink->used == sink->room)
		flush(sink);
	if (sink->used < sink->room)
		sink->buffer[sink->used++] = c;
	sink->total++;
}

static void fill(struct sink *sink, char c, int count)
{
	for (; count > 0; count--)
		put(sink, c);
}

static void put_text(struct sink *sink, const struct spec *spec, const char *text)
{
	int length = 0;

	if (!text)
		text = "(null)";
	while ((spec->precision < 0 || length < spec->precision) && length < INT_MAX && text[length])
		length++;
	if (!spec->left)
		fill(sink, ' ', spec->width - length);
	for (int i = 0; i < length; i++)
		put(sink, text[i]);
	if (spec->left)
		fill(sink, ' ', spec->width - length);
}

static void put_number(struct sink *sink, const struct spec *spec, uintmax_t value, int negative)
{
	const char *digits = spec->kind == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	unsigned int base = spec->kind == 'o' ? 8 : spec->kind == 'x' || spec->kind == 'X' || spec->kind == 'p' ? 16 : 10;
	int is_signed = spec->kind == 'd' || spec->kind == 'i';
	char reversed[3 * sizeof(value)];
	const char *prefix = "";
	int length = 0, zeros, padding;

	if (negative)
		prefix = "-";
	else if (is_signed && (spec->plus || spec->space))
		prefix = spec->plus ? "+" : " ";
	else if (spec->kind == 'p' || (spec->alternate && spec->kind == 'x' && value))
		prefix = "0x";
	else if (spec->alternate && spec->kind == 'X' && value)
		prefix = "0X";
	for (uintmax_t rest = value; rest; rest /= base)
		reversed[length++] = digits[rest % base];
	if (!length && spec->precision != 0)
		reversed[length++] = '0';
	zeros = spec->precision > length ? spec->precision - length : 0;
	if (spec->alternate && spec->kind == 'o' && !zeros && (!length || reversed[length - 1] != '0'))
		zeros = 1;
	padding = spec->width - zeros - length;
	for (const char *p = prefix; *p; p++)
		padding--;
	if (!spec->left && spec->zero && spec->precision < 0 && padding > 0) {
		zeros += padding;
		padding = 0;
	}
	if (!spec->left)
		fill(sink, ' ', padding);
	for (; *prefix; prefix++)
		put(sink, *prefix);
	fill(sink, '0', zeros);
	while (length)
		put(sink, reversed[--length]);
	if (spec->left)
		fill(sink, ' ', padding);
}

/* The number that starts at *p; *p is then behind it. Cut where an int ends. */
static int number(const char **p)
{
	int value = 0;

	for (; **p >= '0' && **p <= '9'; (*p)++)
		value = value > (INT_MAX - 9) / 10 ? INT_MAX / 2 : value * 10 + (**p - '0');
	return value;
}

/* How long an integer argument is: the letters h hh l ll j z t as one. */
enum length { NORMAL, CHAR, SHORT, LONG, LONG_LONG, MAX, SIZE, DIFFERENCE };

static enum length length_of(const char **p)
{
	switch (*(*p)++) {
	case 'h':
		if (**p != 'h')
			return SHORT;
		(*p)++;
		return CHAR;
	case 'l':
		if (**p != 'l')
			return LONG;
		(*p)++;
		return LONG_LONG;
	case 'j':
		return MAX;
	case 'z':
		return SIZE;
	case 't':
		return DIFFERENCE;
	default:
		(*p)--;
		return NORMAL;
	}
}

/* va_list may be an array, which a function cannot take and change; in a struct it can. */
struct arguments {
	va_list list;
};

static intmax_t next_signed(struct arguments *from, enum length length)
{
	switch (length) {
	case CHAR:
		return (signed char)va_arg(from->list, int);
	case SHORT:
		return (short)va_arg(from->list, int);
	case LONG:
		return va_arg(from->list, long);
	case LONG_LONG:
		return va_arg(from->list, long long);
	case MAX:
		return va_arg(from->list, intmax_t);
	case SIZE:
	case DIFFERENCE:
		return va_arg(from->list, ptrdiff_t);
	default:
		return va_arg(from->list, int);
	}
}

static uintmax_t next_unsigned(struct arguments *from, enum length length)
{
	switch (length) {
	case CHAR:
		return (unsigned char)va_arg(from->list, unsigned int);
	case SHORT:
		return (unsigned short)va_arg(from->list, unsigned int);
	case LONG:
		return va_arg(from->list, unsigned long);
	case LONG_LONG:
		return va_arg(from->list, unsigned long long);
	case MAX:
		return va_arg(from->list, uintmax_t);
	case SIZE:
	case DIFFERENCE:
		return va_arg(from->list, size_t);
	default:
		return va_arg(from->list, unsigned int);
	}
}

/* Reads flags, width and precision at p; gives what is behind them. */
static const char *read_spec(const char *p, struct spec *spec, struct arguments *from)
{
	for (;; p++) {
		if (*p == '-')
			spec->left = 1;
		else if (*p == '0')
			spec->zero = 1;
		else if (*p == '+')
			spec->plus = 1;
		else if (*p == ' ')
			spec->space = 1;
		else if (*p == '#')
			spec->alternate = 1;
		else
			break;
	}
	if (*p == '*') {
		spec->width = va_arg(from->list, int);
		if (spec->width < 0) {
			spec->left = 1;
			spec->width = spec->width == INT_MIN ? INT_MAX : -spec->width;
		}
		p++;
	} else {
		spec->width = number(&p);
	}
	if (*p == '.') {
		p++;
		if (*p == '*') {
			spec->precision = va_arg(from->list, int);
			if (spec->precision < 0)
				spec->precision = -1;
			p++;
		} else {
			spec->precision = number(&p);
		}
	}
	return p;
}

/* Prints the conversion behind the % at p; gives what is behind it. */
static const char *convert(struct sink *sink, const char *percent, struct arguments *from)
{
	struct spec spec = {.precision = -1};
	const char *p = read_spec(percent + 1, &spec, from);
	enum length length = length_of(&p);
	intmax_t value;

	spec.kind = *p;
	switch (spec.kind) {
	case 'd':
	case 'i':
		value = next_signed(from, length);
		put_number(sink, &spec, value < 0 ? 0 - (uintmax_t)value : (uintmax_t)value, value < 0);
		return p + 1;
	case 'u':
	case 'o':
	case 'x':
	case 'X':
		put_number(sink, &spec, next_unsigned(from, length), 0);
		return p + 1;
	case 'p':
		put_number(sink, &spec, (uintptr_t)va_arg(from->list, void *), 0);
		return p + 1;
	case 's':
		put_text(sink, &spec, va_arg(from->list, const char *));
		return p + 1;
	case 'c':
		if (!spec.left)
			fill(sink, ' ', spec.width - 1);
		put(sink, (char)va_arg(from->list, int));
		if (spec.left)
			fill(sink, ' ', spec.width - 1);
		return p + 1;
	case '%':
		put(sink, '%');
		return p + 1;
	default:
		put(sink, '%');
		return percent + 1;
	}
}

static int print(struct sink *sink, const char *format, va_list va)
{
	int error = errno;
	struct arguments from;

	va_copy(from.list, va);
	while (*format) {
		if (*format == '%')
			format = convert(sink, format, &from);
		else
			put(sink, *format++);
	}
	va_end(from.list);
	if (sink->descriptor >= 0)
		flush(sink);
	errno = error;
	return sink->total > INT_MAX ? -1 : (int)sink->total;
}

WEAK int vsnprintf_(char *buffer, size_t count, const char *format, va_list va)
{
	struct sink sink = {.buffer = buffer, .room = count ? count - 1 : 0, .descriptor = -1};
	int result = print(&sink, format, va);

	if (count)
		buffer[sink.used] = '\0';
	return result;
}

WEAK int vprintf_(const char *format, va_list va)
{
	char buffer[256];
	struct sink sink = {.buffer = buffer, .room = sizeof(buffer), .descriptor = STDOUT_FILENO};

	return print(&sink, format, va);
}

WEAK int printf_(const char *format, ...)
{
	va_list va;
	int result;

	va_start(va, format);
	result = vprintf_(format, va);
	va_end(va);
	return result;
}

WEAK int sprintf_(char *buffer, const char *format, ...)
{
	va_list va;
	int result;

	va_start(va, format);
	result = vsnprintf_(buffer, SIZE_MAX, format, va);
	va_end(va);
	return result;
}

WEAK int snprintf_(char *buffer, size_t count, const char *format, ...)
{
	va_list va;
	int result;

	va_start(va, format);
	result = vsnprintf_(buffer, count, format, va);
	va_end(va);
	return result;
}
