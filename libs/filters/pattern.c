// SPDX-License-Identifier: MIT
//
// A pattern becomes a program for a machine that is in many places of it at once (Thompson, 1968),
// so that no text makes it go back.
#include "libs/filters/pattern.h"

#include <stddef.h>
#include <stdint.h>

#include "libs/base/string.h"

#define MAX_CODE 256
#define MAX_SETS 16
#define MAX_DEPTH 16

enum op {
	OP_BYTE,  // this one
	OP_SET,   // one byte of the set
	OP_BEGIN,
	OP_END,
	OP_SPLIT,  // goes on at both
	OP_JUMP,
	OP_MATCH,
};

struct code {
	uint8_t op;
	uint8_t arg;   // the byte, or the set's number
	int16_t x, y;  // where it goes on, from here
};

struct set {
	uint8_t bits[32];
};

struct program {
	struct code code[MAX_CODE];
	int size;
	struct set sets[MAX_SETS];
	int num_sets;
	const char *rest;  // of the pattern
	int depth;
	bool bad;
};

// --- Sets of bytes -------------------------------------------------------------------------------

static bool set_has(const struct set *set, uint8_t byte)
{
	return (set->bits[byte / 8] & 1u << byte % 8) != 0;
}

static void set_add(struct set *set, uint8_t first, uint8_t last)
{
	for (unsigned byte = first; byte <= last; byte++)
		set->bits[byte / 8] |= (uint8_t)(1u << byte % 8);
}

static void set_invert(struct set *set)
{
	for (size_t i = 0; i < sizeof(set->bits); i++)
		set->bits[i] = (uint8_t)~set->bits[i];
}

// What is behind a backslash: a class of bytes, or the byte itself.
static void set_add_escaped(struct set *set, char c)
{
	struct set class = { 0 };

	switch (c) {
	case 'd':
	case 'D': set_add(&class, '0', '9'); break;
	case 's':
	case 'S':
		set_add(&class, '\t', '\r');
		set_add(&class, ' ', ' ');
		break;
	case 'w':
	case 'W':
		set_add(&class, '0', '9');
		set_add(&class, 'A', 'Z');
		set_add(&class, 'a', 'z');
		set_add(&class, '_', '_');
		break;
	default: set_add(&class, (uint8_t)c, (uint8_t)c); break;
	}
	if (c == 'D' || c == 'S' || c == 'W')
		set_invert(&class);
	for (size_t i = 0; i < sizeof(set->bits); i++)
		set->bits[i] |= class.bits[i];
}

// --- The program ---------------------------------------------------------------------------------

static void emit(struct program *p, struct code code)
{
	if (p->size == MAX_CODE)
		p->bad = true;
	else
		p->code[p->size++] = code;
}

// Jumps within what is moved are relative, so they stay right.
static void insert(struct program *p, int at, struct code code)
{
	emit(p, code);
	if (p->bad)
		return;
	for (int i = p->size - 1; i > at; i--)
		p->code[i] = p->code[i - 1];
	p->code[at] = code;
}

static struct set *emit_set(struct program *p)
{
	if (p->num_sets == MAX_SETS) {
		p->bad = true;
		return &p->sets[0];
	}
	p->sets[p->num_sets] = (struct set){ 0 };
	emit(p, (struct code){ .op = OP_SET, .arg = (uint8_t)p->num_sets });
	return &p->sets[p->num_sets++];
}

static char take(struct program *p)
{
	if (*p->rest == '\0') {
		p->bad = true;
		return '\0';
	}
	return *p->rest++;
}

// From behind "[".
static void read_set(struct program *p)
{
	struct set *set = emit_set(p);
	bool inverts = *p->rest == '^', first = true;

	if (inverts)
		p->rest++;
	for (; !p->bad && (first || *p->rest != ']'); first = false) {
		char c = take(p);

		if (c == '\\') {
			set_add_escaped(set, take(p));
		} else if (p->rest[0] == '-' && p->rest[1] != ']' && p->rest[1] != '\0') {
			if ((uint8_t)p->rest[1] < (uint8_t)c)
				p->bad = true;
			set_add(set, (uint8_t)c, (uint8_t)p->rest[1]);
			p->rest += 2;
		} else {
			set_add(set, (uint8_t)c, (uint8_t)c);
		}
	}
	(void)take(p);
	if (inverts)
		set_invert(set);
}

static void read_choice(struct program *p);

static void read_group(struct program *p)
{
	if (p->rest[0] == '?' && p->rest[1] == ':')
		p->rest += 2;
	if (p->depth == MAX_DEPTH) {
		p->bad = true;
		return;
	}
	p->depth++;
	read_choice(p);
	p->depth--;
	if (take(p) != ')')
		p->bad = true;
}

static void read_atom(struct program *p)
{
	char c = take(p);

	switch (c) {
	case '(': read_group(p); break;
	case '[': read_set(p); break;
	case '^': emit(p, (struct code){ .op = OP_BEGIN }); break;
	case '$': emit(p, (struct code){ .op = OP_END }); break;
	case '.': set_add(emit_set(p), 0, UINT8_MAX); break;
	case '\\': set_add_escaped(emit_set(p), take(p)); break;
	case '*':
	case '+':
	case '?':
	case '{': p->bad = true; break;
	default: emit(p, (struct code){ .op = OP_BYTE, .arg = (uint8_t)c }); break;
	}
}

static void read_repeated(struct program *p)
{
	int start = p->size, len;

	read_atom(p);
	while (!p->bad && (*p->rest == '*' || *p->rest == '+' || *p->rest == '?')) {
		char c = *p->rest++;

		len = p->size - start;
		if (c == '+') {
			emit(p, (struct code){ .op = OP_SPLIT, .x = (int16_t)-len, .y = 1 });
			continue;
		}
		insert(p, start,
		       (struct code){ .op = OP_SPLIT,
		                      .x = 1,
		                      .y = (int16_t)(len + (c == '*' ? 2 : 1)) });
		if (c == '*')
			emit(p, (struct code){ .op = OP_JUMP, .x = (int16_t) - (len + 1) });
	}
}

static void read_sequence(struct program *p)
{
	while (!p->bad && *p->rest != '\0' && *p->rest != '|' && *p->rest != ')')
		read_repeated(p);
}

// Sequences with | between them; the jump behind each leads to the next one's, and so to the end.
static void read_choice(struct program *p)
{
	int start = p->size, jump, len;

	read_sequence(p);
	while (!p->bad && *p->rest == '|') {
		p->rest++;
		len = p->size - start;
		insert(p, start, (struct code){ .op = OP_SPLIT, .x = 1, .y = (int16_t)(len + 2) });
		jump = p->size;
		emit(p, (struct code){ .op = OP_JUMP });
		read_sequence(p);
		if (!p->bad)
			p->code[jump].x = (int16_t)(p->size - jump);
	}
}

// --- The machine ---------------------------------------------------------------------------------

struct places {
	bool in[MAX_CODE];
};

// Goes to a place, and on from there without taking a byte. Returns whether that is the end.
static bool enter(const struct program *p, struct places *places, int at, bool begins, bool ends)
{
	int todo[MAX_CODE];
	int count = 0;
	bool matched = false;

	if (!places->in[at])
		todo[count++] = at;
	places->in[at] = true;
	while (count > 0) {
		int here = todo[--count], next[2], num_next = 0;
		const struct code *code = &p->code[here];

		switch (code->op) {
		case OP_MATCH: matched = true; break;
		case OP_JUMP: next[num_next++] = here + code->x; break;
		case OP_SPLIT:
			next[num_next++] = here + code->x;
			next[num_next++] = here + code->y;
			break;
		case OP_BEGIN:
		case OP_END:
			if (code->op == OP_BEGIN ? begins : ends)
				next[num_next++] = here + 1;
			break;
		default: break;
		}
		for (int i = 0; i < num_next; i++) {
			if (!places->in[next[i]])
				todo[count++] = next[i];
			places->in[next[i]] = true;
		}
	}
	return matched;
}

static bool takes(const struct program *p, const struct code *code, uint8_t byte)
{
	return (code->op == OP_BYTE && code->arg == byte) ||
		(code->op == OP_SET && set_has(&p->sets[code->arg], byte));
}

static bool run(const struct program *p, const char *text)
{
	struct places now = { 0 };

	for (size_t i = 0;; i++) {
		struct places next = { 0 };
		bool ends = text[i] == '\0';

		if (enter(p, &now, 0, i == 0, ends))
			return true;
		if (ends)
			return false;
		for (int at = 0; at < p->size; at++)
			if (now.in[at] && takes(p, &p->code[at], (uint8_t)text[i]) &&
			    enter(p, &next, at + 1, false, text[i + 1] == '\0'))
				return true;
		now = next;
	}
}

bool pattern_matches(const char *pattern, const char *text)
{
	struct program p = { .rest = pattern };

	read_choice(&p);
	if (*p.rest != '\0')
		p.bad = true;
	emit(&p, (struct code){ .op = OP_MATCH });
	return !p.bad && run(&p, text);
}
