/*
 * A library for LD_PRELOAD stands between a program and the files below one folder. It fails chosen calls (a full disk, a
 * broken one), and keeps a journal of everything that changes those files, from which power-loss.ts makes the folder as a power
 * cut would have left it.
 *
 * KDUMPD_SHIM_FOLDER   the folder, an absolute path without symbolic links
 * KDUMPD_SHIM_CONTROL  a file of 4096 bytes, struct control; its owner changes it while the program runs
 * KDUMPD_SHIM_JOURNAL  the journal, appended to; absent: none is kept
 *
 * Symbols: what `nm -D` shows for Node 26 and for better-sqlite3's addon. Both call glibc by these names; libuv must be kept
 * from io_uring (UV_USE_IO_URING=0), whose writes are no calls. What changes a file in a way that the journal cannot hold
 * (sendfile, a writable shared mapping) is journalled as such, and reading that journal fails. SQLite's index of its log
 * (-shm) is shared memory that SQLite builds again after a power cut; it is neither journalled nor failed. Left out: copies of
 * descriptors (dup) and C streams (fopen), which neither program uses on the files of the folder.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* What a call does: bits of control.mask. */
enum { CREATE = 1, WRITE = 2, TRUNCATE = 4, SYNC = 8, NAMES = 16, READ = 32 };

enum { OFF = 0, ONCE = 1, FROM = 2 };

/* Shared with control.ts, little-endian. */
struct control {
  uint32_t magic;
  uint32_t mask;      /* which calls are counted */
  uint32_t error;     /* errno of a call that fails */
  uint32_t mode;      /* ONCE: call number `at` fails; FROM: it and all after it */
  uint64_t at;        /* the first call is 1 */
  uint64_t calls;     /* counted so far */
  uint64_t failed;    /* of them */
  char pattern[216];  /* calls on paths that contain this are counted; empty: on all */
  uint32_t last_kind; /* of the last call that failed */
  char last_path[508];
};

/* What a record of the journal says. Numbers are those of journal.ts. */
enum {
  J_CREATE = 1, J_WRITE, J_TRUNCATE, J_SYNC, J_RENAME, J_UNLINK, J_MKDIR, J_RMDIR, J_LINK, J_SYMLINK, J_MARK, J_UNSUPPORTED,
};

struct record {
  uint32_t magic, kind, path_bytes, other_bytes;
  uint64_t offset, data_bytes;
};

#define JOURNAL_MAGIC 0x4e524a4bu /* "KJRN" */
#define MAX_FD 65536

static char folder[PATH_MAX];
static size_t folder_bytes;
static struct control *control;
static int journal = -1;
/* 1: the descriptor was opened below the folder. */
static unsigned char tracked[MAX_FD];
/* A change and its record are one step, so that the journal's order is the order of the changes. */
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

#define REAL(type, name, ...) static type (*real_##name)(__VA_ARGS__)
REAL(int, open64, const char *, int, ...);
REAL(int, openat64, int, const char *, int, ...);
REAL(int, close, int);
REAL(ssize_t, read, int, void *, size_t);
REAL(ssize_t, pread64, int, void *, size_t, off64_t);
REAL(ssize_t, readv, int, const struct iovec *, int);
REAL(ssize_t, preadv, int, const struct iovec *, int, off_t);
REAL(ssize_t, write, int, const void *, size_t);
REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
REAL(ssize_t, writev, int, const struct iovec *, int);
REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
REAL(int, ftruncate64, int, off64_t);
REAL(int, truncate64, const char *, off64_t);
REAL(int, fsync, int);
REAL(int, fdatasync, int);
REAL(int, rename, const char *, const char *);
REAL(int, unlink, const char *);
REAL(int, unlinkat, int, const char *, int);
REAL(int, mkdir, const char *, mode_t);
REAL(int, rmdir, const char *);
REAL(int, link, const char *, const char *);
REAL(int, symlink, const char *, const char *);
REAL(void *, mmap64, void *, size_t, int, int, int, off64_t);
REAL(ssize_t, sendfile64, int, int, off64_t *, size_t);
REAL(ssize_t, copy_file_range, int, off64_t *, int, off64_t *, size_t, unsigned);
REAL(long, syscall, long, ...);
REAL(ssize_t, splice, int, off64_t *, int, off64_t *, size_t, unsigned);

static void set_up(void) {
#define FIND(name) real_##name = dlsym(RTLD_NEXT, #name)
  FIND(openat64); FIND(close); FIND(read); FIND(pread64); FIND(readv); FIND(preadv); FIND(write); FIND(pwrite64);
  FIND(writev); FIND(pwritev); FIND(ftruncate64); FIND(truncate64); FIND(fsync); FIND(fdatasync); FIND(rename); FIND(unlink);
  FIND(unlinkat); FIND(mkdir); FIND(rmdir); FIND(link); FIND(symlink); FIND(mmap64); FIND(sendfile64); FIND(copy_file_range);
  FIND(splice); FIND(syscall); FIND(open64);
  const char *path = getenv("KDUMPD_SHIM_FOLDER");
  if (path == NULL) return;
  const char *control_path = getenv("KDUMPD_SHIM_CONTROL");
  const char *journal_path = getenv("KDUMPD_SHIM_JOURNAL");
  if (control_path != NULL) {
    int fd = real_open64(control_path, O_RDWR | O_CLOEXEC);
    void *at = fd < 0 ? MAP_FAILED : real_mmap64(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
      perror("shim: the control file");
      abort();
    }
    real_close(fd);
    control = at;
  }
  if (journal_path != NULL) {
    journal = real_open64(journal_path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (journal < 0) {
      perror("shim: the journal");
      abort();
    }
  }
  snprintf(folder, sizeof folder, "%s", path);
  folder_bytes = strlen(folder);
}

/* Another library's constructor may open files before ours runs. */
static void ready(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, set_up);
}

__attribute__((constructor)) static void construct(void) { ready(); }

static int ends_with(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

static int is_below(const char *path) {
  return folder_bytes > 0 && strncmp(path, folder, folder_bytes) == 0 &&
         (path[folder_bytes] == '/' || path[folder_bytes] == 0) && !ends_with(path, "-shm");
}

/* The absolute path of a name that need not exist; 0 where it is not below the folder. */
static int resolve(int dir, const char *name, char out[PATH_MAX]) {
  if (folder_bytes == 0 || name == NULL) return 0;
  char full[2 * PATH_MAX];
  if (name[0] == '/') {
    snprintf(full, sizeof full, "%s", name);
  } else {
    char base[PATH_MAX], proc[64];
    if (dir == AT_FDCWD) {
      if (getcwd(base, sizeof base) == NULL) return 0;
    } else {
      snprintf(proc, sizeof proc, "/proc/self/fd/%d", dir);
      ssize_t n = readlink(proc, base, sizeof base - 1);
      if (n < 0) return 0;
      base[n] = 0;
    }
    snprintf(full, sizeof full, "%s/%s", base, name);
  }
  size_t n = strlen(full);
  while (n > 1 && full[n - 1] == '/') full[--n] = 0;
  char *slash = strrchr(full, '/');
  char parent[PATH_MAX];
  *slash = 0;
  if (realpath(slash == full ? "/" : full, parent) == NULL) return 0;
  if (strlen(parent) + strlen(slash + 1) + 2 > PATH_MAX) return 0;
  stpcpy(stpcpy(stpcpy(out, parent), "/"), slash + 1);
  return is_below(out);
}

/* Where an open file is now; Linux adds " (deleted)" to one without a name. 0: not below the folder. */
static int path_of(int fd, char out[PATH_MAX]) {
  if (fd < 0 || fd >= MAX_FD || !tracked[fd]) return 0;
  char proc[64];
  snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(proc, out, PATH_MAX - 1);
  if (n < 0) return 0;
  out[n] = 0;
  return is_below(out);
}

/* Whether this call is to fail; errno is then set. */
static int fails(uint32_t kind, const char *path) {
  if (control == NULL || control->mode == OFF || (control->mask & kind) == 0) return 0;
  if (control->pattern[0] != 0 && strstr(path, control->pattern) == NULL) return 0;
  uint64_t call = __atomic_add_fetch(&control->calls, 1, __ATOMIC_SEQ_CST);
  if (control->mode == ONCE ? call != control->at : call < control->at) return 0;
  __atomic_add_fetch(&control->failed, 1, __ATOMIC_SEQ_CST);
  control->last_kind = kind;
  snprintf(control->last_path, sizeof control->last_path, "%s", path);
  errno = (int)control->error;
  return 1;
}

static void begin(void) {
  if (journal >= 0) pthread_mutex_lock(&order);
}

static void end(void) {
  int kept = errno;
  if (journal >= 0) pthread_mutex_unlock(&order);
  errno = kept;
}

/* Appends one record. O_APPEND and one call: other processes append to the same file. */
static void keep(uint32_t kind, const char *path, const char *other, uint64_t offset, const struct iovec *data, int pieces,
                 size_t bytes) {
  if (journal < 0 || ends_with(path, " (deleted)")) return;
  int kept = errno;
  struct record head = {JOURNAL_MAGIC, kind, strlen(path), other == NULL ? 0 : strlen(other), offset, bytes};
  struct iovec all[1027];
  int n = 0;
  size_t total = sizeof head + head.path_bytes + head.other_bytes + bytes;
  all[n++] = (struct iovec){&head, sizeof head};
  all[n++] = (struct iovec){(void *)path, head.path_bytes};
  if (other != NULL) all[n++] = (struct iovec){(void *)other, head.other_bytes};
  for (int i = 0; i < pieces && bytes > 0 && n < 1024; i++) {
    size_t take = data[i].iov_len < bytes ? data[i].iov_len : bytes;
    all[n++] = (struct iovec){data[i].iov_base, take};
    bytes -= take;
  }
  if (bytes > 0 || real_writev(journal, all, n) != (ssize_t)total) {
    dprintf(2, "shim: a record of the journal could not be written\n");
    abort();
  }
  errno = kept;
}

static void keep_names(uint32_t kind, const char *path, const char *other) { keep(kind, path, other, 0, NULL, 0, 0); }

/* Opening. */

static int open_at(int dir, const char *name, int flags, mode_t mode) {
  ready();
  char path[PATH_MAX];
  int makes = (flags & O_CREAT) != 0;
  int changes = makes || (flags & O_TRUNC) != 0;
  if (!resolve(dir, name, path)) return real_openat64(dir, name, flags, mode);
  if (makes && fails(CREATE, path)) return -1;
  if (changes) begin();
  int existed = makes ? access(path, F_OK) == 0 : 1;
  int fd = real_openat64(dir, name, flags, mode);
  if (fd >= 0 && fd < MAX_FD) tracked[fd] = 1;
  if (fd >= 0 && !existed) keep_names(J_CREATE, path, NULL);
  else if (fd >= 0 && (flags & O_TRUNC) != 0 && (flags & O_ACCMODE) != O_RDONLY) keep(J_TRUNCATE, path, NULL, 0, NULL, 0, 0);
  if (changes) end();
  return fd;
}

#define WITH_MODE(flags) \
  mode_t mode = 0; \
  if (((flags)&O_CREAT) != 0 || ((flags)&O_TMPFILE) == O_TMPFILE) { \
    va_list list; \
    va_start(list, flags); \
    mode = va_arg(list, mode_t); \
    va_end(list); \
  }

int open(const char *name, int flags, ...) { WITH_MODE(flags) return open_at(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { WITH_MODE(flags) return open_at(AT_FDCWD, name, flags, mode); }
int openat(int dir, const char *name, int flags, ...) { WITH_MODE(flags) return open_at(dir, name, flags, mode); }
int openat64(int dir, const char *name, int flags, ...) { WITH_MODE(flags) return open_at(dir, name, flags, mode); }

int close(int fd) {
  ready();
  if (fd >= 0 && fd < MAX_FD) tracked[fd] = 0;
  return real_close(fd);
}

/* Reading. */

#define FAIL_READ(fd) \
  ready(); \
  char path[PATH_MAX]; \
  if (path_of(fd, path) && fails(READ, path)) return -1;

ssize_t read(int fd, void *to, size_t n) { FAIL_READ(fd) return real_read(fd, to, n); }
ssize_t pread64(int fd, void *to, size_t n, off64_t at) { FAIL_READ(fd) return real_pread64(fd, to, n, at); }
ssize_t pread(int fd, void *to, size_t n, off_t at) { FAIL_READ(fd) return real_pread64(fd, to, n, at); }
ssize_t readv(int fd, const struct iovec *to, int n) { FAIL_READ(fd) return real_readv(fd, to, n); }
ssize_t preadv(int fd, const struct iovec *to, int n, off_t at) { FAIL_READ(fd) return real_preadv(fd, to, n, at); }

/* Writing. `at` is -1 for the descriptor's own position. */

static ssize_t write_at(int fd, const struct iovec *from, int pieces, off64_t at) {
  ready();
  char path[PATH_MAX];
  if (!path_of(fd, path)) return at < 0 ? real_writev(fd, from, pieces) : real_pwritev(fd, from, pieces, at);
  if (fails(WRITE, path)) return -1;
  begin();
  ssize_t n = at < 0 ? real_writev(fd, from, pieces) : real_pwritev(fd, from, pieces, at);
  if (n > 0) {
    off64_t place = at < 0 ? lseek64(fd, 0, SEEK_CUR) - n : at;
    keep(J_WRITE, path, NULL, (uint64_t)place, from, pieces, (size_t)n);
  }
  end();
  return n;
}

ssize_t write(int fd, const void *from, size_t n) {
  ready();
  if (fd < 0 || fd >= MAX_FD || !tracked[fd]) return real_write(fd, from, n);
  struct iovec one = {(void *)from, n};
  return write_at(fd, &one, 1, -1);
}
ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at) {
  struct iovec one = {(void *)from, n};
  return write_at(fd, &one, 1, at);
}
ssize_t pwrite(int fd, const void *from, size_t n, off_t at) { return pwrite64(fd, from, n, at); }
ssize_t writev(int fd, const struct iovec *from, int n) {
  ready();
  if (fd < 0 || fd >= MAX_FD || !tracked[fd]) return real_writev(fd, from, n);
  return write_at(fd, from, n, -1);
}
ssize_t pwritev(int fd, const struct iovec *from, int n, off_t at) { return write_at(fd, from, n, at); }
ssize_t pwritev64(int fd, const struct iovec *from, int n, off64_t at) { return write_at(fd, from, n, at); }

int ftruncate64(int fd, off64_t size) {
  ready();
  char path[PATH_MAX];
  if (!path_of(fd, path)) return real_ftruncate64(fd, size);
  if (fails(TRUNCATE, path)) return -1;
  begin();
  int result = real_ftruncate64(fd, size);
  if (result == 0) keep(J_TRUNCATE, path, NULL, (uint64_t)size, NULL, 0, 0);
  end();
  return result;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int truncate64(const char *name, off64_t size) {
  ready();
  char path[PATH_MAX];
  if (!resolve(AT_FDCWD, name, path)) return real_truncate64(name, size);
  if (fails(TRUNCATE, path)) return -1;
  begin();
  int result = real_truncate64(name, size);
  if (result == 0) keep(J_TRUNCATE, path, NULL, (uint64_t)size, NULL, 0, 0);
  end();
  return result;
}
int truncate(const char *name, off_t size) { return truncate64(name, size); }

static int sync_file(int fd, int (*sync)(int)) {
  char path[PATH_MAX];
  if (!path_of(fd, path)) return sync(fd);
  if (fails(SYNC, path)) return -1;
  begin();
  int result = sync(fd);
  if (result == 0) keep_names(J_SYNC, path, NULL);
  end();
  return result;
}
int fsync(int fd) { ready(); return sync_file(fd, real_fsync); }
int fdatasync(int fd) { ready(); return sync_file(fd, real_fdatasync); }

/* Names. */

#define CHANGE_NAME(kind, path, other, call) \
  if (fails(NAMES, path)) return -1; \
  begin(); \
  int result = call; \
  if (result == 0) keep_names(kind, path, other); \
  end(); \
  return result;

int rename(const char *from, const char *to) {
  ready();
  char old[PATH_MAX], new[PATH_MAX];
  int has_old = resolve(AT_FDCWD, from, old), has_new = resolve(AT_FDCWD, to, new);
  if (!has_old && !has_new) return real_rename(from, to);
  /* Into the folder or out of it: the journal has only one side. */
  CHANGE_NAME(has_old && has_new ? J_RENAME : J_UNSUPPORTED, has_old ? old : new, has_old && has_new ? new : NULL,
              real_rename(from, to))
}

int unlinkat(int dir, const char *name, int flags) {
  ready();
  char path[PATH_MAX];
  if (!resolve(dir, name, path)) return real_unlinkat(dir, name, flags);
  CHANGE_NAME((flags & AT_REMOVEDIR) != 0 ? J_RMDIR : J_UNLINK, path, NULL, real_unlinkat(dir, name, flags))
}
int unlink(const char *name) {
  ready();
  char path[PATH_MAX];
  if (!resolve(AT_FDCWD, name, path)) return real_unlink(name);
  CHANGE_NAME(J_UNLINK, path, NULL, real_unlink(name))
}
int rmdir(const char *name) {
  ready();
  char path[PATH_MAX];
  if (!resolve(AT_FDCWD, name, path)) return real_rmdir(name);
  CHANGE_NAME(J_RMDIR, path, NULL, real_rmdir(name))
}
/* glibc's own calls the kernel directly. */
int remove(const char *name) {
  if (unlink(name) == 0) return 0;
  return errno == EISDIR || errno == EPERM ? rmdir(name) : -1;
}
int mkdir(const char *name, mode_t mode) {
  ready();
  char path[PATH_MAX];
  if (!resolve(AT_FDCWD, name, path)) return real_mkdir(name, mode);
  CHANGE_NAME(J_MKDIR, path, NULL, real_mkdir(name, mode))
}
int link(const char *from, const char *to) {
  ready();
  char old[PATH_MAX], new[PATH_MAX];
  int has_old = resolve(AT_FDCWD, from, old);
  if (!resolve(AT_FDCWD, to, new)) return real_link(from, to);
  CHANGE_NAME(has_old ? J_LINK : J_UNSUPPORTED, has_old ? old : new, has_old ? new : NULL, real_link(from, to))
}
int symlink(const char *target, const char *name) {
  ready();
  char path[PATH_MAX];
  if (!resolve(AT_FDCWD, name, path)) return real_symlink(target, name);
  CHANGE_NAME(J_SYMLINK, path, target, real_symlink(target, name))
}

/* What the journal cannot hold. */

static void unsupported(int fd) {
  char path[PATH_MAX];
  if (path_of(fd, path)) keep_names(J_UNSUPPORTED, path, NULL);
}

void *mmap64(void *at, size_t n, int protection, int flags, int fd, off64_t offset) {
  ready();
  if (fd >= 0 && (protection & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0) unsupported(fd);
  return real_mmap64(at, n, protection, flags, fd, offset);
}
void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset) {
  return mmap64(at, n, protection, flags, fd, offset);
}
ssize_t sendfile64(int to, int from, off64_t *at, size_t n) {
  ready();
  unsupported(to);
  return real_sendfile64(to, from, at, n);
}
ssize_t sendfile(int to, int from, off_t *at, size_t n) { return sendfile64(to, from, at, n); }
ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t n, unsigned flags) {
  ready();
  unsupported(to);
  return real_copy_file_range(from, from_at, to, to_at, n, flags);
}
ssize_t splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t n, unsigned flags) {
  ready();
  unsupported(to);
  return real_splice(from, from_at, to, to_at, n, flags);
}
/* libuv calls copy_file_range by its number. */
long syscall(long number, ...) {
  ready();
  long a[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_copy_file_range) unsupported((int)a[2]);
  return real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
