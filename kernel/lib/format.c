/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsnprintf(): text from a format and its arguments. Entered from printk() and from everybody who
 * makes text for a program. No state, no lock, no floating point; little stack, since it runs on
 * whatever stack a panic finds.
 *
 * Each conversion is parsed into a struct spec, then put out by one of three functions.
 */
#include "lib/string.h"

/* Where text goes: what does not fit is counted only. */
struct out {
	char *to;
	size_t size, length;
};

struct spec {
	bool left, zero, plus, space, alternate;
	int width, precision; /* precision -1: not given */
	char size;	      /* 'c' hh, 's' h, 'i' none, 'l' 64 bits (l, ll, z, j, t) */
	char conversion;
};

static void put(struct out *o, char c)
{
	if (o->length < o->size)
		o->to[o->length] = c;
	o->length++;
}

static void put_times(struct out *o, char c, int times)
{
	for (; times > 0; times--)
		put(o, c);
}

static void put_text(struct out *o, const struct spec *s, const char *text)
{
	size_t n;

	if (!text)
		text = "(null)";
	n = s->precision >= 0 ? strnlen(text, (size_t)s->precision) : strlen(text);
	if (!s->left)
		put_times(o, ' ', s->width - (int)n);
	for (size_t i = 0; i < n; i++)
		put(o, text[i]);
	if (s->left)
		put_times(o, ' ', s->width - (int)n);
}

/* Digits of value, last one first; returns how many (none for 0 with precision 0). */
static int make_digits(char *digits, const struct spec *s, uint64_t value)
{
	const char *set = s->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	unsigned base = s->conversion == 'o'			       ? 8
			: s->conversion == 'd' || s->conversion == 'u' ? 10
								       : 16;
	int n = 0;

	for (; value; value /= base)
		digits[n++] = set[value % base];
	if (!n && s->precision != 0)
		digits[n++] = '0';
	return n;
}

static void put_number(struct out *o, const struct spec *s, uint64_t value, const char *prefix)
{
	char digits[24];
	int n = make_digits(digits, s, value);
	int zeros = s->precision > n ? s->precision - n : 0;
	int rest;

	if (s->conversion == 'o' && s->alternate && !zeros && !(n && digits[n - 1] == '0'))
		zeros = 1;
	rest = s->width - n - zeros - (int)strlen(prefix);
	if (s->zero && !s->left && s->precision < 0 && rest > 0) {
		zeros += rest;
		rest = 0;
	}
	if (!s->left)
		put_times(o, ' ', rest);
	while (*prefix)
		put(o, *prefix++);
	put_times(o, '0', zeros);
	while (n)
		put(o, digits[--n]);
	if (s->left)
		put_times(o, ' ', rest);
}

static void put_signed(struct out *o, struct spec *s, va_list *args)
{
	int64_t v = s->size == 'l' ? va_arg(*args, int64_t) : va_arg(*args, int);

	if (s->size == 's')
		v = (int16_t)v;
	else if (s->size == 'c')
		v = (int8_t)v;
	s->conversion = 'd';
	put_number(o, s, v < 0 ? -(uint64_t)v : (uint64_t)v,
		   v < 0      ? "-"
		   : s->plus  ? "+"
		   : s->space ? " "
			      : "");
}

static void put_unsigned(struct out *o, struct spec *s, va_list *args)
{
	uint64_t v = s->size == 'l' ? va_arg(*args, uint64_t) : va_arg(*args, unsigned);
	const char *prefix = "";

	if (s->size == 's')
		v = (uint16_t)v;
	else if (s->size == 'c')
		v = (uint8_t)v;
	if (s->alternate && v && s->conversion == 'x')
		prefix = "0x";
	else if (s->alternate && v && s->conversion == 'X')
		prefix = "0X";
	put_number(o, s, v, prefix);
}

static const char *parse_flags(const char *f, struct spec *s)
{
	for (;; f++) {
		switch (*f) {
		case '-':
			s->left = true;
			break;
		case '0':
			s->zero = true;
			break;
		case '+':
			s->plus = true;
			break;
		case ' ':
			s->space = true;
			break;
		case '#':
			s->alternate = true;
			break;
		default:
			return f;
		}
	}
}

/* A number or '*'. */
static const char *parse_count(const char *f, int *count, va_list *args)
{
	char *end;

	if (*f == '*') {
		*count = va_arg(*args, int);
		return f + 1;
	}
	*count = (int)strtou64(f, &end, 10);
	return end;
}

static const char *parse_size(const char *f, struct spec *s)
{
	s->size = 'i';
	for (;; f++) {
		if (*f == 'h')
			s->size = s->size == 's' ? 'c' : 's';
		else if (*f == 'l' || *f == 'z' || *f == 'j' || *f == 't')
			s->size = 'l';
		else
			return f;
	}
}

/* From behind the '%' to the conversion character. */
static const char *parse_spec(const char *f, struct spec *s, va_list *args)
{
	*s = (struct spec){ .precision = -1 };
	f = parse_flags(f, s);
	f = parse_count(f, &s->width, args);
	if (s->width < 0) {
		s->left = true;
		s->width = -s->width;
	}
	if (*f == '.')
		f = parse_count(f + 1, &s->precision, args);
	f = parse_size(f, s);
	s->conversion = *f;
	return f;
}

static void put_conversion(struct out *o, struct spec *s, va_list *args)
{
	char one[2] = "";

	switch (s->conversion) {
	case 'd':
	case 'i':
		put_signed(o, s, args);
		break;
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		put_unsigned(o, s, args);
		break;
	case 'p':
		put_number(o, s, (uintptr_t)va_arg(*args, void *), "0x");
		break;
	case 's':
		put_text(o, s, va_arg(*args, const char *));
		break;
	case 'c':
		one[0] = (char)va_arg(*args, int);
		put_times(o, ' ', s->left ? 0 : s->width - 1);
		put(o, one[0]);
		put_times(o, ' ', s->left ? s->width - 1 : 0);
		break;
	case '%':
		put(o, '%');
		break;
	default: /* unknown: shown as it stands, so that it is seen */
		put(o, '%');
		put(o, s->conversion);
	}
}

int vsnprintf(char *to, size_t size, const char *fmt, va_list args)
{
	struct out o = { .to = to, .size = size };
	struct spec s;
	va_list list;

	va_copy(list,
		args); /* a va_list parameter may be an array: only a local can be passed on */
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		fmt = parse_spec(fmt + 1, &s, &list);
		if (!*fmt)
			break;
		put_conversion(&o, &s, &list);
	}
	va_end(list);
	if (size)
		to[o.length < size ? o.length : size - 1] = '\0';
	return (int)o.length;
}

int snprintf(char *to, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(to, size, fmt, args);
	va_end(args);
	return n;
}
