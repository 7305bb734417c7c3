// SPDX-License-Identifier: MIT
#include "libs/base/fmt.h"

#include <stdbool.h>
#include <stdint.h>

#include "libs/base/string.h"

enum length { LENGTH_CHAR, LENGTH_SHORT, LENGTH_INT, LENGTH_LONG };

// Where the output goes: counts all, stores what fits.
struct sink {
	char *buf;
	size_t size;
	size_t len;
};

// One conversion, parsed.
struct conversion {
	bool left;
	bool zero;
	bool plus;
	bool space;
	bool alternate;
	size_t width;
	size_t precision;
	bool has_precision;
	enum length length;
	char kind;
};

static void sink_char(struct sink *s, char c)
{
	if (s->len < s->size)
		s->buf[s->len] = c;
	s->len++;
}

static void sink_repeat(struct sink *s, char c, size_t count)
{
	while (count-- > 0)
		sink_char(s, c);
}

static void sink_bytes(struct sink *s, const char *bytes, size_t len)
{
	if (s->len < s->size) {
		size_t room = s->size - s->len;

		memcpy(s->buf + s->len, bytes, len < room ? len : room);
	}
	s->len += len;
}

static void sink_padded(struct sink *s, const struct conversion *c, const char *bytes, size_t len)
{
	size_t pad = c->width > len ? c->width - len : 0;

	if (!c->left)
		sink_repeat(s, ' ', pad);
	sink_bytes(s, bytes, len);
	if (c->left)
		sink_repeat(s, ' ', pad);
}

// A number: padding, prefix ("-", "0x"), zeros, digits.
static void sink_number(struct sink *s, const struct conversion *c, uint64_t value,
                        unsigned int base, const char *prefix)
{
	const char *alphabet = c->kind == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char digits[24];
	size_t len = 0, zeros = 0, total, prefix_len = strlen(prefix);

	while (value != 0) {
		digits[sizeof(digits) - ++len] = alphabet[value % base];
		value /= base;
	}
	if (c->has_precision)
		zeros = c->precision > len ? c->precision - len : 0;
	else if (len == 0)
		zeros = 1;
	total = prefix_len + zeros + len;
	if (c->zero && !c->left && !c->has_precision && c->width > total) {
		zeros += c->width - total;
		total = c->width;
	}
	if (!c->left && c->width > total)
		sink_repeat(s, ' ', c->width - total);
	sink_bytes(s, prefix, prefix_len);
	sink_repeat(s, '0', zeros);
	sink_bytes(s, digits + sizeof(digits) - len, len);
	if (c->left && c->width > total)
		sink_repeat(s, ' ', c->width - total);
}

static size_t parse_count(const char **p)
{
	size_t n = 0;

	while (**p >= '0' && **p <= '9') {
		if (n < 100000)
			n = n * 10 + (size_t)(**p - '0');
		(*p)++;
	}
	return n;
}

static void parse_flags(const char **p, struct conversion *c)
{
	for (;; (*p)++) {
		switch (**p) {
		case '-': c->left = true; break;
		case '0': c->zero = true; break;
		case '+': c->plus = true; break;
		case ' ': c->space = true; break;
		case '#': c->alternate = true; break;
		default: return;
		}
	}
}

static void parse_length(const char **p, struct conversion *c)
{
	c->length = LENGTH_INT;
	for (;; (*p)++) {
		switch (**p) {
		case 'h': c->length = c->length == LENGTH_SHORT ? LENGTH_CHAR : LENGTH_SHORT; break;
		case 'l':
		case 'z':
		case 'j':
		case 't': c->length = LENGTH_LONG; break;
		default: return;
		}
	}
}

// A va_list as an element of a struct, so that a function can advance its caller's.
struct arguments {
	va_list list;
};

// Parses flags, width, precision and length; `*p` ends at the conversion's letter.
static void parse_conversion(const char **p, struct conversion *c, struct arguments *args)
{
	*c = (struct conversion){ 0 };
	parse_flags(p, c);
	if (**p == '*') {
		int width = va_arg(args->list, int);

		c->left |= width < 0;
		c->width = width < 0 ? 0u - (unsigned int)width : (unsigned int)width;
		(*p)++;
	} else {
		c->width = parse_count(p);
	}
	if (**p == '.') {
		(*p)++;
		c->has_precision = true;
		if (**p == '*') {
			int precision = va_arg(args->list, int);

			c->has_precision = precision >= 0;
			c->precision = precision >= 0 ? (size_t)precision : 0;
			(*p)++;
		} else {
			c->precision = parse_count(p);
		}
	}
	parse_length(p, c);
	c->kind = **p;
}

static int64_t arg_signed(const struct conversion *c, struct arguments *args)
{
	if (c->length == LENGTH_LONG)
		return va_arg(args->list, int64_t);
	if (c->length == LENGTH_SHORT)
		return (short)va_arg(args->list, int);
	if (c->length == LENGTH_CHAR)
		return (signed char)va_arg(args->list, int);
	return va_arg(args->list, int);
}

static uint64_t arg_unsigned(const struct conversion *c, struct arguments *args)
{
	if (c->length == LENGTH_LONG)
		return va_arg(args->list, uint64_t);
	if (c->length == LENGTH_SHORT)
		return (unsigned short)va_arg(args->list, unsigned int);
	if (c->length == LENGTH_CHAR)
		return (unsigned char)va_arg(args->list, unsigned int);
	return va_arg(args->list, unsigned int);
}

static void convert_string(struct sink *s, const struct conversion *c, const char *string)
{
	if (string == NULL)
		string = "(null)";
	// With a precision the string need not be terminated.
	sink_padded(s, c, string,
	            c->has_precision ? strnlen(string, c->precision) : strlen(string));
}

static void convert_signed(struct sink *s, const struct conversion *c, int64_t value)
{
	const char *prefix = value < 0 ? "-" : c->plus ? "+" : c->space ? " " : "";

	sink_number(s, c, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10, prefix);
}

static void convert(struct sink *s, const struct conversion *c, struct arguments *args)
{
	uint64_t value;
	char byte;

	switch (c->kind) {
	case 'd':
	case 'i': convert_signed(s, c, arg_signed(c, args)); break;
	case 'u': sink_number(s, c, arg_unsigned(c, args), 10, ""); break;
	case 'o': sink_number(s, c, arg_unsigned(c, args), 8, ""); break;
	case 'x':
	case 'X':
		value = arg_unsigned(c, args);
		sink_number(s, c, value, 16,
		            !c->alternate || value == 0 ? ""
		                    : c->kind == 'X'    ? "0X"
		                                        : "0x");
		break;
	case 'p': sink_number(s, c, (uintptr_t)va_arg(args->list, void *), 16, "0x"); break;
	case 'c':
		byte = (char)va_arg(args->list, int);
		sink_padded(s, c, &byte, 1);
		break;
	case 's': convert_string(s, c, va_arg(args->list, const char *)); break;
	case '%': sink_char(s, '%'); break;
	default:
		// Not known: shown as it stands.
		sink_char(s, '%');
		sink_char(s, c->kind);
		break;
	}
}

size_t fmt_vwrite(char *buf, size_t size, const char *format, va_list list)
{
	struct sink s = { .buf = buf, .size = size };
	struct arguments args;

	va_copy(args.list, list);
	while (*format != '\0') {
		const char *percent = strchr(format, '%');
		size_t plain = percent != NULL ? (size_t)(percent - format) : strlen(format);
		struct conversion c;

		sink_bytes(&s, format, plain);
		format += plain;
		if (*format == '\0')
			break;
		format++;
		parse_conversion(&format, &c, &args);
		if (c.kind == '\0')
			break;
		convert(&s, &c, &args);
		format++;
	}
	va_end(args.list);
	if (size > 0)
		buf[s.len < size ? s.len : size - 1] = '\0';
	return s.len;
}

size_t fmt_write(char *buf, size_t size, const char *format, ...)
{
	va_list args;
	size_t len;

	va_start(args, format);
	len = fmt_vwrite(buf, size, format, args);
	va_end(args);
	return len;
}

size_t fmt_vline(char *buf, size_t size, const char *format, va_list args)
{
	size_t len = fmt_vwrite(buf, size - 1, format, args);

	if (len > size - 2)
		len = size - 2;
	buf[len++] = '\n';
	return len;
}
