/*
 * The flattened device tree (Devicetree Specification 0.4, chapter 5) that the kernel keeps, in its own memory. Nodes are
 * offsets of their FDT_BEGIN_NODE in the structure block; 0 is none (the root's offset is not 0: see tree_root).
 */
#ifndef TREE_H
#define TREE_H

#include "types.h"

typedef u32 tree_node;

extern u8 *tree_blob; /* the kept copy */
u32 tree_size(void);

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
/* Sets a property; moves what follows. Offsets of later nodes change. False where the room is used up. */
bool tree_set(tree_node node, const char *name, const void *value, u32 length);
/* Entry `n` of the reserve map; false past the last. */
bool tree_reservation(int n, u64 *start, u64 *size);

#endif
