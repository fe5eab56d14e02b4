/*
 * The flattened device tree: Devicetree Specification 0.4, chapter 5: header, structure block, strings, reserve map, all
 * big-endian.
 */
#include "tree/tree.h"

enum { BEGIN_NODE = 1, END_NODE = 2, PROP = 3, NOP = 4, END = 9 };

struct header {
  u32 magic, total_size, structure, strings, reserve_map, version, compatible_version, boot_cpu;
  u32 strings_size, structure_size;
};

u8 *tree_blob;

static const struct header *header(void) { return (const struct header *)tree_blob; }
static const u8 *structure(u32 offset) { return tree_blob + header()->structure + offset; }
static const char *string(u32 offset) { return (const char *)tree_blob + header()->strings + offset; }

u32 tree_u32(const void *cells) {
  u32 value;
  memcpy(&value, cells, sizeof value);
  return value;
}

u64 tree_u64(const void *cells) { return (u64)tree_u32(cells) << 32 | tree_u32((const u8 *)cells + 4); }

/* The offset past the token at `offset`. */
static u32 skip(u32 offset) {
  switch (tree_u32(structure(offset))) {
    case BEGIN_NODE:
      return offset + 4 + (u32)ALIGN_UP(strlen((const char *)structure(offset + 4)) + 1, 4);
    case PROP:
      return offset + 12 + (u32)ALIGN_UP(tree_u32(structure(offset + 4)), 4);
    default:
      return offset + 4;
  }
}

static u32 token(u32 offset) { return tree_u32(structure(offset)); }

/* The node that begins at or after `offset` on its level; 0 where the level ends. */
static tree_node node_from(u32 offset) {
  while (token(offset) == PROP || token(offset) == NOP) offset = skip(offset);
  return token(offset) == BEGIN_NODE ? offset + 1 : 0;
}

tree_node tree_root(void) { return node_from(0); }
tree_node tree_child(tree_node parent) { return node_from(skip(parent - 1)); }

tree_node tree_sibling(tree_node node) {
  u32 offset = node - 1;
  int depth = 0;
  do {
    u32 here = token(offset);
    if (here == BEGIN_NODE) depth++;
    else if (here == END_NODE) depth--;
    else if (here == END) return 0;
    offset = skip(offset);
  } while (depth > 0);
  return node_from(offset);
}

const char *tree_name(tree_node node) { return (const char *)structure(node + 3); }

static bool matches(const char *name, const char *component, size_t length) {
  if (strncmp(name, component, length) != 0) return false;
  if (name[length] == 0) return true;
  if (name[length] != '@') return false;
  for (size_t i = 0; i < length; i++)
    if (component[i] == '@') return false;
  return true;
}

tree_node tree_find(const char *path) {
  tree_node node = tree_root();
  while (node != 0 && *path != 0) {
    while (*path == '/') path++;
    size_t length = 0;
    while (path[length] != 0 && path[length] != '/') length++;
    if (length == 0) break;
    tree_node child = tree_child(node);
    while (child != 0 && !matches(tree_name(child), path, length)) child = tree_sibling(child);
    node = child;
    path += length;
  }
  return node;
}

/* The offset of the property's token, or of the first thing after the properties. */
static u32 find_property(tree_node node, const char *name, bool *found) {
  u32 offset = skip(node - 1);
  *found = false;
  for (; token(offset) == PROP || token(offset) == NOP; offset = skip(offset)) {
    if (token(offset) == PROP && strcmp(string(tree_u32(structure(offset + 8))), name) == 0) {
      *found = true;
      break;
    }
  }
  return offset;
}

const void *tree_property(tree_node node, const char *name, u32 *length) {
  bool found;
  u32 offset = find_property(node, name, &found);
  if (!found) return NULL;
  if (length != NULL) *length = tree_u32(structure(offset + 4));
  return structure(offset + 12);
}

u32 tree_cell(tree_node node, const char *name, u32 otherwise) {
  u32 length;
  const void *value = tree_property(node, name, &length);
  return value == NULL || length < 4 ? otherwise : tree_u32(value);
}

u64 tree_address(tree_node node, const char *name) {
  u32 length;
  const void *value = tree_property(node, name, &length);
  if (value == NULL) return 0;
  return length == 8 ? tree_u64(value) : tree_u32(value);
}

bool tree_reservation(int n, u64 *start, u64 *size) {
  const u8 *entry = tree_blob + header()->reserve_map + n * 16;
  *start = tree_u64(entry);
  *size = tree_u64(entry + 8);
  return *start != 0 || *size != 0;
}

/* ---- changing it: the strings lie behind the structure block, where tree_keep has put them ---- */

static u32 room; /* of tree_blob */

/* Moves all that lies from `offset` of the structure block on by `change` bytes; 0 pads what the tree grows by. */
static bool make_room(u32 offset, s32 change) {
  struct header *h = (struct header *)tree_blob;
  u32 end = h->strings + h->strings_size, from = h->structure + offset;
  if (change > 0 && end + (u32)change > room) return false;
  u32 keep = change < 0 ? from - (u32)change : from;
  memmove(tree_blob + keep + change, tree_blob + keep, end - keep);
  h->structure_size += (u32)change;
  h->strings += (u32)change;
  h->total_size = h->strings + h->strings_size;
  return true;
}

static bool add_string(const char *text, u32 *offset) {
  struct header *h = (struct header *)tree_blob;
  u32 length = (u32)strlen(text) + 1;
  for (*offset = 0; *offset < h->strings_size; *offset += (u32)strlen(string(*offset)) + 1)
    if (strcmp(string(*offset), text) == 0) return true;
  if (h->strings + h->strings_size + length > room) return false;
  *offset = h->strings_size;
  memcpy(tree_blob + h->strings + h->strings_size, text, length);
  h->strings_size += length;
  h->total_size = h->strings + h->strings_size;
  return true;
}

static void put_u32(u32 offset, u32 value) { memcpy(tree_blob + header()->structure + offset, &value, 4); }

bool tree_set(tree_node node, const char *name, const void *value, u32 length) {
  bool found;
  u32 name_offset, padded = (u32)ALIGN_UP(length, 4);
  if (!add_string(name, &name_offset)) return false;
  u32 offset = find_property(node, name, &found);
  u32 old = found ? skip(offset) - offset : 0;
  if (!make_room(offset, (s32)(12 + padded) - (s32)old)) return false;
  put_u32(offset, PROP);
  put_u32(offset + 4, length);
  put_u32(offset + 8, name_offset);
  u8 *at = tree_blob + header()->structure + offset + 12;
  memset(at, 0, padded);
  memcpy(at, value, length);
  return true;
}

/* Copies the tree of firmware or loader to `to`, which has `size` bytes, in the order header, map, structure, strings. */
bool tree_keep(const u8 *from, u8 *to, u32 size) {
  const struct header *old = (const struct header *)from;
  u32 map = 0;
  while (tree_u64(from + old->reserve_map + map) != 0 || tree_u64(from + old->reserve_map + map + 8) != 0) map += 16;
  map += 16;
  struct header new = *old;
  new.reserve_map = (u32)ALIGN_UP(sizeof new, 8);
  new.structure = new.reserve_map + map;
  new.strings = new.structure + (u32)ALIGN_UP(old->structure_size, 4);
  new.total_size = new.strings + old->strings_size;
  if (new.total_size > size) return false;
  memcpy(to, &new, sizeof new);
  memcpy(to + new.reserve_map, from + old->reserve_map, map);
  memcpy(to + new.structure, from + old->structure, old->structure_size);
  memcpy(to + new.strings, from + old->strings, old->strings_size);
  tree_blob = to;
  room = size;
  return true;
}
