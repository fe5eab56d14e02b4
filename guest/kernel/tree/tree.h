/*
 * What the kernel was given: the flattened device tree (Devicetree Specification 0.4, chapter 5), kept in the kernel's
 * own memory, and in it the command line. A node is 1 + the offset of its FDT_BEGIN_NODE in the structure block; 0 is
 * none.
 */
#ifndef TREE_H
#define TREE_H

#include "lib/lib.h"

typedef u32 tree_node;

extern u8 *tree_blob; /* the kept copy */
/* Keeps a copy of the tree `from` in the `size` bytes at `to`. False where they are too few. */
bool tree_keep(const u8 *from, u8 *to, u32 size);

tree_node tree_root(void);
tree_node tree_child(tree_node parent); /* first child */
tree_node tree_sibling(tree_node node);
const char *tree_name(tree_node node); /* with unit address */
/* By path from the root, such as "/chosen"; a component without @ matches any unit address. */
tree_node tree_find(const char *path);
/* The value where it lies, NULL where there is no such property; `length` may be NULL. */
const void *tree_property(tree_node node, const char *name, u32 *length);
/* Big-endian cells at any alignment. */
u32 tree_u32(const void *cells);
u64 tree_u64(const void *cells);
/* The first cell of a property, `otherwise` where it is missing. */
u32 tree_cell(tree_node node, const char *name, u32 otherwise);
/* A property of one cell or of two, 0 where it is missing. */
u64 tree_address(tree_node node, const char *name);
/* Sets a property; moves what follows. Offsets of later nodes change. False where the room is used up. */
bool tree_set(tree_node node, const char *name, const void *value, u32 length);
/* Entry `n` of the reserve map; false past the last. */
bool tree_reservation(int n, u64 *start, u64 *size);

/* ---- command-line.c: words of /chosen/bootargs, `name` or `name=value` ---- */

void command_line_read(void);

/* The last such word's value ("" without =), NULL where there is none. Ends at the next blank. */
const char *option(const char *name);
/* Its number, with K, M, G. */
u64 option_number(const char *name, u64 otherwise);
/* Whether it has this value. */
bool option_is(const char *name, const char *value);

#endif
