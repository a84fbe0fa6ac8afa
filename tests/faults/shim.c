/* A disk that fails when it is told to, and that remembers what was done to it. Preloaded into the vault by the tests.
 *
 * SHIM_FOLDER   the folder that is watched, without symbolic links; everything else is left alone
 * SHIM_RULES    a file of faults, looked at before each act, so that a test turns them on and off while the vault runs:
 *                 sync|write|truncate|open|unlink NAME NTH ERRNO    the NTH act on the file NAME fails (`*`: on any file)
 *                 ... NTH+ ERRNO                                    and so does every later one
 *                 quota BYTES                                       the folder holds no more than that: then ENOSPC
 *               Acts are counted from the moment the rules changed. What failed is appended to SHIM_RULES.fired.
 * SHIM_JOURNAL  a file to which each act that succeeded is appended, with its bytes, in the order in which they were done:
 *               an act and its line are one step under one lock. `powercut.py` says how a line is read.
 *
 * The index of the write-ahead log (`-shm`) is memory that SQLite rebuilds, written through mmap: its acts are not counted,
 * failed or recorded.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum act { WRITE = 1, TRUNCATE, SYNC, SYNC_FOLDER, CREATE, UNLINK, RENAME, MKDIR };

struct line { /* little-endian, without gaps; then the name, then the bytes */
  uint32_t magic;
  uint32_t act;
  uint64_t file;
  int64_t offset;
  uint32_t name_bytes;
  uint32_t data_bytes;
};

#define MAGIC 0x6d696873u
#define MOST_RULES 16

struct rule {
  char what[16], name[64];
  long nth;
  int later, error, is_quota;
  long seen;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *folder, *rules_path;
static size_t folder_length;
static int journal = -1;
static struct rule rules[MOST_RULES];
static int rule_count;
static char rules_text[2048];


__attribute__((constructor)) static void start(void) {
  folder = getenv("SHIM_FOLDER");
  folder_length = folder ? strlen(folder) : 0;
  rules_path = getenv("SHIM_RULES");
  const char *path = getenv("SHIM_JOURNAL");
  if (path) {
    journal = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (journal < 0) abort();
  }
}

/* Returns the path within the folder, or nothing for what is not ours. */
static const char *ours(const char *path) {
  if (!folder_length || strncmp(path, folder, folder_length) != 0) return NULL;
  if (path[folder_length] == 0) return "";
  if (path[folder_length] != '/') return NULL;
  const char *name = path + folder_length + 1;
  size_t length = strlen(name);
  if (length >= 4 && strcmp(name + length - 4, "-shm") == 0) return NULL;
  return name;
}

/* The same for an open file; a deleted one keeps its name. `path` has PATH_MAX bytes. */
static const char *ours_fd(int fd, char *path) {
  char link[40];
  if (!folder_length) return NULL;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
  if (length <= 0) return NULL;
  path[length] = 0;
  char *deleted = strstr(path, " (deleted)");
  if (deleted) *deleted = 0;
  return ours(path);
}

/* The same for a path as it is given to open, relative or through symbolic links. */
static const char *ours_at(int at, const char *given, char *path) {
  char whole[PATH_MAX], parent[PATH_MAX];
  if (!folder_length) return NULL;
  if (given[0] == '/') {
    snprintf(whole, sizeof whole, "%s", given);
  } else {
    char base[PATH_MAX];
    if (at == AT_FDCWD) {
      if (!getcwd(base, sizeof base)) return NULL;
    } else {
      char link[40];
      snprintf(link, sizeof link, "/proc/self/fd/%d", at);
      ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, base, sizeof base - 1);
      if (length <= 0) return NULL;
      base[length] = 0;
    }
    if (snprintf(whole, sizeof whole, "%s/%s", base, given) >= (int)sizeof whole) return NULL;
  }
  char *last = strrchr(whole, '/');
  *last = 0;
  if (!realpath(*whole ? whole : "/", parent)) return NULL;
  if (snprintf(path, PATH_MAX, "%s/%s", parent, last + 1) >= PATH_MAX) return NULL;
  return ours(path);
}

static int number_of(const char *error) {
  if (!strcmp(error, "EIO")) return EIO;
  if (!strcmp(error, "ENOSPC")) return ENOSPC;
  if (!strcmp(error, "EDQUOT")) return EDQUOT;
  if (!strcmp(error, "EROFS")) return EROFS;
  if (!strcmp(error, "EACCES")) return EACCES;
  abort();
}

static void read_rules(void) {
  char text[sizeof rules_text] = {0};
  int fd = (int)syscall(SYS_openat, AT_FDCWD, rules_path, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    if (syscall(SYS_read, fd, text, sizeof text - 1) < 0) abort();
    syscall(SYS_close, fd);
  }
  if (!strcmp(text, rules_text)) return;
  memcpy(rules_text, text, sizeof text);
  rule_count = 0;
  char *rest = text;
  for (char *one; (one = strsep(&rest, "\n")) && rule_count < MOST_RULES;) {
    struct rule *rule = &rules[rule_count];
    char nth[16], error[16];
    memset(rule, 0, sizeof *rule);
    if (sscanf(one, "quota %ld", &rule->nth) == 1) {
      rule->is_quota = 1;
      rule_count++;
    } else if (sscanf(one, "%15s %63s %15s %15s", rule->what, rule->name, nth, error) == 4) {
      rule->nth = strtol(nth, NULL, 10);
      rule->later = strchr(nth, '+') != NULL;
      rule->error = number_of(error);
      rule_count++;
    }
  }
}

static void fired(const char *what, const char *name, long seen) {
  char path[PATH_MAX], text[256];
  snprintf(path, sizeof path, "%s.fired", rules_path);
  int length = snprintf(text, sizeof text, "%s %s %ld\n", what, name, seen);
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0 || syscall(SYS_write, fd, text, (size_t)length) != length) abort();
  syscall(SYS_close, fd);
}

static long folder_bytes(void) {
  long sum = 0;
  DIR *all = opendir(folder);
  if (!all) return 0;
  for (struct dirent *one; (one = readdir(all));) {
    struct stat file;
    if (fstatat(dirfd(all), one->d_name, &file, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(file.st_mode)) sum += file.st_size;
  }
  closedir(all);
  return sum;
}

/* Returns the error that an act is to fail with, or 0. `grows` is by how much it makes a file longer. The lock is held. */
static int fault(const char *what, const char *name, long grows) {
  if (!rules_path) return 0;
  read_rules();
  for (int i = 0; i < rule_count; i++) {
    struct rule *rule = &rules[i];
    if (rule->is_quota) {
      if (grows <= 0 || folder_bytes() + grows <= rule->nth) continue;
      fired("quota", name, rule->nth);
      return ENOSPC;
    }
    if (strcmp(rule->what, what) || (strcmp(rule->name, "*") && strcmp(rule->name, name))) continue;
    rule->seen++;
    if (rule->seen == rule->nth || (rule->later && rule->seen > rule->nth)) {
      fired(what, name, rule->seen);
      return rule->error;
    }
  }
  return 0;
}

static void note(enum act act, uint64_t file, int64_t offset, const char *name, const void *data, size_t bytes) {
  if (journal < 0) return;
  struct line line = {MAGIC, act, file, offset, (uint32_t)strlen(name), (uint32_t)bytes};
  struct iovec parts[] = {{&line, sizeof line}, {(void *)name, line.name_bytes}, {(void *)data, bytes}};
  ssize_t whole = (ssize_t)(sizeof line + line.name_bytes + bytes);
  if (syscall(SYS_writev, journal, parts, 3) != whole) abort();
}

static uint64_t number_of_fd(int fd) {
  struct stat file;
  return fstat(fd, &file) == 0 ? file.st_ino : 0;
}

static int refuse(int error) {
  pthread_mutex_unlock(&lock);
  errno = error;
  return -1;
}

static ssize_t do_write(int fd, const void *data, size_t bytes, int64_t offset, int at_offset) {
  char path[PATH_MAX];
  const char *name = ours_fd(fd, path);
  if (!name) {
    return at_offset ? syscall(SYS_pwrite64, fd, data, bytes, offset) : syscall(SYS_write, fd, data, bytes);
  }
  pthread_mutex_lock(&lock);
  struct stat file;
  if (fstat(fd, &file) != 0) abort();
  if (!at_offset) offset = lseek(fd, 0, SEEK_CUR);
  int error = fault("write", name, (long)(offset + (int64_t)bytes - file.st_size));
  if (error) return refuse(error);
  ssize_t done = at_offset ? syscall(SYS_pwrite64, fd, data, bytes, offset) : syscall(SYS_write, fd, data, bytes);
  int kept = errno;
  if (done > 0) note(WRITE, file.st_ino, offset, name, data, (size_t)done);
  pthread_mutex_unlock(&lock);
  errno = kept;
  return done;
}

ssize_t write(int fd, const void *data, size_t bytes) { return do_write(fd, data, bytes, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset) { return do_write(fd, data, bytes, offset, 1); }
ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset) { return do_write(fd, data, bytes, offset, 1); }

static int do_truncate(int fd, int64_t length) {
  char path[PATH_MAX];
  const char *name = ours_fd(fd, path);
  if (!name) return (int)syscall(SYS_ftruncate, fd, length);
  pthread_mutex_lock(&lock);
  int error = fault("truncate", name, 0);
  if (error) return refuse(error);
  int done = (int)syscall(SYS_ftruncate, fd, length), kept = errno;
  if (done == 0) note(TRUNCATE, number_of_fd(fd), length, name, "", 0);
  pthread_mutex_unlock(&lock);
  errno = kept;
  return done;
}

int ftruncate(int fd, off_t length) { return do_truncate(fd, length); }
int ftruncate64(int fd, off64_t length) { return do_truncate(fd, length); }

static int do_sync(int fd, long number) {
  char path[PATH_MAX];
  const char *name = ours_fd(fd, path);
  if (!name) return (int)syscall(number, fd);
  pthread_mutex_lock(&lock);
  int error = fault("sync", *name ? name : ".", 0);
  if (error) return refuse(error);
  int done = (int)syscall(number, fd), kept = errno;
  struct stat file;
  if (done == 0 && fstat(fd, &file) == 0) {
    note(S_ISDIR(file.st_mode) ? SYNC_FOLDER : SYNC, file.st_ino, 0, name, "", 0);
  }
  pthread_mutex_unlock(&lock);
  errno = kept;
  return done;
}

int fsync(int fd) { return do_sync(fd, SYS_fsync); }
int fdatasync(int fd) { return do_sync(fd, SYS_fdatasync); }

static int do_open(int at, const char *given, int flags, mode_t mode) {
  char path[PATH_MAX];
  const char *name = flags & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR) ? ours_at(at, given, path) : NULL;
  if (!name) return (int)syscall(SYS_openat, at, given, flags, mode);
  pthread_mutex_lock(&lock);
  int error = fault("open", name, 0);
  if (error) return refuse(error);
  int was_there = faccessat(AT_FDCWD, path, F_OK, 0) == 0;
  int fd = (int)syscall(SYS_openat, at, given, flags, mode), kept = errno;
  if (fd >= 0 && !was_there) note(CREATE, number_of_fd(fd), 0, name, "", 0);
  else if (fd >= 0 && flags & O_TRUNC) note(TRUNCATE, number_of_fd(fd), 0, name, "", 0);
  pthread_mutex_unlock(&lock);
  errno = kept;
  return fd;
}

#define WITH_MODE(flags, last)                                       \
  mode_t mode = 0;                                                   \
  if ((flags) & (O_CREAT | O_TMPFILE)) {                             \
    va_list more;                                                    \
    va_start(more, last);                                            \
    mode = va_arg(more, mode_t);                                     \
    va_end(more);                                                    \
  }

int open(const char *path, int flags, ...) { WITH_MODE(flags, flags) return do_open(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { WITH_MODE(flags, flags) return do_open(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { WITH_MODE(flags, flags) return do_open(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { WITH_MODE(flags, flags) return do_open(at, path, flags, mode); }

static int do_unlink(int at, const char *given, int flags) {
  char path[PATH_MAX];
  const char *name = flags & AT_REMOVEDIR ? NULL : ours_at(at, given, path);
  if (!name) return (int)syscall(SYS_unlinkat, at, given, flags);
  pthread_mutex_lock(&lock);
  int error = fault("unlink", name, 0);
  if (error) return refuse(error);
  int done = (int)syscall(SYS_unlinkat, at, given, flags), kept = errno;
  if (done == 0) note(UNLINK, 0, 0, name, "", 0);
  pthread_mutex_unlock(&lock);
  errno = kept;
  return done;
}

int unlink(const char *path) { return do_unlink(AT_FDCWD, path, 0); }
int unlinkat(int at, const char *path, int flags) { return do_unlink(at, path, flags); }

int rename(const char *from, const char *to) {
  char from_path[PATH_MAX], to_path[PATH_MAX];
  const char *name = ours_at(AT_FDCWD, from, from_path), *next = ours_at(AT_FDCWD, to, to_path);
  if (!name || !next) return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
  pthread_mutex_lock(&lock);
  int done = (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to), kept = errno;
  if (done == 0) note(RENAME, 0, 0, name, next, strlen(next));
  pthread_mutex_unlock(&lock);
  errno = kept;
  return done;
}

int mkdir(const char *given, mode_t mode) {
  char path[PATH_MAX];
  const char *name = ours_at(AT_FDCWD, given, path);
  if (!name) return (int)syscall(SYS_mkdirat, AT_FDCWD, given, mode);
  pthread_mutex_lock(&lock);
  int done = (int)syscall(SYS_mkdirat, AT_FDCWD, given, mode), kept = errno;
  if (done == 0) note(MKDIR, 0, 0, name, "", 0);
  pthread_mutex_unlock(&lock);
  errno = kept;
  return done;
}
