/* Notes which files and peers a process and its children use, for a notebook's record.
 *
 * Preloaded (LD_PRELOAD) into a kernel, whose children inherit it. It stands in front of the
 * C library's functions that open files, connect and start processes, calls the real ones,
 * and appends what happened to the file that MLOPS_TRACE names:
 *
 *   F time pid kind size mtime dev inode start path   a regular file was opened: R read, W written,
 *                                               A written without being emptied, B opened for both,
 *                                               M mapped without an open of ours; size -1: it was not
 *                                               there before; the program named it by what follows the
 *                                               path's first `start` bytes
 *   D time pid path                             a folder was opened
 *   V time pid size mtime dev inode length paths   renamed; `length` bytes of the old name, the new one
 *   P time pid ppid length paths                a process image began; `length` bytes of its program,
 *                                               then its words with 0x1f behind each, cut
 *   K time pid ppid                             a process was forked
 *   S time pid preload exe                      is about to run, or has spawned, this program
 *   E time pid                                  the program of the S before could not be run
 *   C time pid port by peer                     connected; port -1: the peer is a socket's path; by:
 *                                               0 native code, 1 a socket of Python's, 2 a driver
 *                                               whose answers are recorded
 *   L time pid port peer                        listens
 *   N time pid address name                     looked up a name
 *   U time pid                                  will open files without calls, through io_uring
 *   X                                           the log is full; nothing follows
 *
 * A record ends in a NUL, which no path contains, so paths stand there byte for byte. Times are
 * nanoseconds since 1970. Of equal records a process writes one. Those of one process stand in
 * order; among processes their times tell it.
 *
 * A write for each record costs more than most opens. So the process that reads the log asks for
 * a ring in memory, which it shares with its forks: their records go there, survive the death of
 * the fork, and are moved to the log when it is read. Others write to the log themselves.
 *
 * MLOPS_TRACE_KEEP, when set, holds a time and a folder: a file that is older and is about to be
 * written in place is copied there first, under its size, modification time and inode.
 *
 * It must never change what the program does. So: no allocation, no locks, errno untouched
 * (system calls are made directly), no descriptor trusted before it was looked at, and with
 * anything unusual it keeps silent. It needs few and old symbols, to load in old systems too.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#if !defined(__linux__) || !defined(__GLIBC__) || !(defined(__x86_64__) || defined(__aarch64__))
#error "for Linux with glibc on x86-64 or aarch64"
#endif

/* ---- the system, asked directly: errno stays as it is ---- */

#if defined(__x86_64__)
__asm__(".symver dlsym,dlsym@GLIBC_2.2.5"); /* newer ones would not load before glibc 2.34 */
__asm__(".symver dladdr,dladdr@GLIBC_2.2.5");
static long ask6(long n, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#else
__asm__(".symver dlsym,dlsym@GLIBC_2.17");
__asm__(".symver dladdr,dladdr@GLIBC_2.17");
static long ask6(long n, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = n, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c, x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
#endif
#define ask(n, a, b, c, d) ask6((n), (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

#define PID ask(SYS_getpid, 0, 0, 0, 0)

#define EXPORT __attribute__((visibility("default")))
#define UNUSUAL(condition) __builtin_expect(!!(condition), 0)
extern char **environ;
extern int __register_atfork(void (*)(void), void (*)(void), void (*)(void), void *)
    __attribute__((weak));

enum { PATH = 4096, MOST_PREFIXES = 128, SLOTS = 1 << 17, HIGH_FD = 900, SEPARATOR = 0x1f };
enum { RING = 8 << 20, BATCH = 1 << 16, GAPS = 256 };

static char log_path[PATH];
static long log_limit = 64L << 20;
EXPORT volatile int mlops_trace_active; /* there is a log, and it is not full */
#define active mlops_trace_active
static int log_fd = -1;
static dev_t log_dev;
static ino_t log_ino;
static long own_pid;
static char skipped[16 * 1024];
/* What is passed over begins so. Those of one start hang together: only the starts are looked at for
 * most paths, and lie close to each other. */
typedef struct Prefix { const char *text; size_t length; struct Prefix *next; } Prefix;
static struct { uint64_t word, mask; } starts[MOST_PREFIXES];
static Prefix prefixes[MOST_PREFIXES], *first_with[MOST_PREFIXES];
static int prefix_count, start_count;
static char keep_folder[PATH];
static int64_t keep_older;              /* copies are made of files that are older than this */
static int64_t keep_left = 256L << 20;  /* bytes of copies that this process may still make */
static uint64_t known[SLOTS];           /* what was written already, by hash */
static __thread int paused __attribute__((tls_model("initial-exec")));

static int driving_anywhere;            /* as `driving`, for every thread */
static __thread int driving __attribute__((tls_model("initial-exec")));
static __thread int announced __attribute__((tls_model("initial-exec"))); /* a descriptor, and 1 */

static int watching(void) { return active && !paused; }

static int64_t nanoseconds(const struct timespec *t) {
  return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static int64_t now(void) {
  struct timespec t = {0, 0};
  clock_gettime(CLOCK_REALTIME, &t);
  return nanoseconds(&t);
}

static char *number(char *at, int64_t value) {
  static const char pairs[] =
      "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
      "49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697"
      "9899";
  char digits[24], *first = digits + sizeof digits;
  uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
  for (; rest >= 100; rest /= 100) memcpy(first -= 2, pairs + rest % 100 * 2, 2);
  memcpy(first -= 2, pairs + rest * 2, 2);
  first += rest < 10;
  if (value < 0) *at++ = '-';
  size_t count = digits + sizeof digits - first;
  memcpy(at, first, count);
  at[count] = ' ';
  return at + count + 1;
}

#define NEXT(type, name, ...)                                                          \
  static type (*real)(__VA_ARGS__);                                                    \
  if (UNUSUAL(!real)) {                                                                \
    int kept = errno;                                                                  \
    *(void **)&real = dlsym(RTLD_NEXT, #name);                                         \
    errno = kept;                                                                      \
  }

static uint64_t mixed(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
  return hash ^ (hash >> 29);
}

static uint64_t hash_of(const char *text) {
  size_t left = strlen(text);
  uint64_t hash = mixed(0xCBF29CE484222325u, left), word = 0;
  for (; left >= 8; left -= 8, text += 8) {
    memcpy(&word, text, 8);
    hash = mixed(hash, word);
  }
  word = 0;
  memcpy(&word, text, left);
  return mixed(hash, word);
}

/* Where a hash may be remembered: `near` its likes, so that what is used together lies together,
 * or, when it is crowded there, anywhere. */
enum { NEAR = 4, PLACES = 8 };

static uint64_t *place_of(uint64_t hash, uint64_t near, int step) {
  return &known[((step < NEAR ? near : hash >> 20) + (unsigned)step) & (SLOTS - 1)];
}

/* Whether this is the first time; a lost race or a full neighbourhood only means once more. */
static int is_new_near(uint64_t hash, uint64_t near) {
  hash |= 1;
  for (int step = 0;; step++) {
    uint64_t *place = place_of(hash, near, step);
    uint64_t held = __atomic_load_n(place, __ATOMIC_RELAXED);
    if (held == hash) return 0;
    if (held == 0 || step == PLACES - 1) return __atomic_store_n(place, hash, __ATOMIC_RELAXED), 1;
  }
}

static int is_new(uint64_t hash) { return is_new_near(hash, hash >> 40); }

static int is_known_near(uint64_t hash, uint64_t near) {
  hash |= 1;
  for (int step = 0; step < PLACES; step++)
    if (__atomic_load_n(place_of(hash, near, step), __ATOMIC_RELAXED) == hash) return 1;
  return 0;
}

/* ---- the log ---- */

static int open_log(void) {
  long fd = ask(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
  struct stat found;
  if (fd < 0) return -1;
  if (ask(SYS_fstat, fd, &found, 0, 0) < 0 || !S_ISREG(found.st_mode) ||
      (log_ino && (found.st_ino != log_ino || found.st_dev != log_dev))) {
    ask(SYS_close, fd, 0, 0, 0);
    return -1;
  }
  log_ino = found.st_ino;
  log_dev = found.st_dev;
  return (int)fd;
}

/* Programs close descriptors that are not theirs, and then open files under those numbers:
 * only a descriptor that still is the log is written to. */
static long log_size(int fd) {
  struct stat found;
  if (fd < 0 || ask(SYS_fstat, fd, &found, 0, 0) < 0) return -1;
  return found.st_ino == log_ino && found.st_dev == log_dev ? (long)found.st_size : -1;
}

static int usable_log(long *at) {
  int fd = __atomic_load_n(&log_fd, __ATOMIC_RELAXED);
  long size = log_size(fd);
  if (size < 0) {
    int low = open_log();
    if (low < 0) return active = 0, -1;
    fd = (int)ask(SYS_fcntl, low, F_DUPFD_CLOEXEC, HIGH_FD, 0);
    if (fd < 0) fd = low;
    else ask(SYS_close, low, 0, 0, 0);
    __atomic_store_n(&log_fd, fd, __ATOMIC_RELAXED);
    size = log_size(fd);
  }
  *at = size;
  if (size >= log_limit) active = 0; /* but for what is under way, which nobody else sees */
  return size < log_limit + BATCH ? fd : -1;
}

static struct iovec part(const void *data, size_t length) {
  return (struct iovec){(void *)data, length};
}

/* Who fills the log says so at once: what comes next must be seen by others. */
static void write_log(int fd, long at, const struct iovec *parts, int count, size_t whole) {
  if (fd < 0) return;
  if (ask(SYS_writev, fd, parts, count, 0) != (long)whole) {
    active = 0; /* the disk is full; the reader sees the torn record */
    ask(SYS_write, fd, "\0X", 3, 0);
  } else if (at + (long)whole >= log_limit) {
    active = 0;
    ask(SYS_write, fd, "X", 2, 0);
  }
}

/* ---- the ring ---- */

/* Positions only grow; what lies before the head may be overwritten. A record is claimed by moving
 * the tail, and complete when its mark stands before it: that of its position, so that what an
 * earlier lap left there is not taken for it. What is not complete when the ring is drained is a
 * gap: it is looked at again each time, for its writer may go on, and nothing from there on is
 * overwritten. A writer that was killed leaves a gap for good; the call that it was in had not
 * returned. When gaps fill the ring, all write to the log again. */
typedef struct {
  uint64_t tail, head, moved, news;
  long owner;
  int busy, closed;
  char bytes[RING];
} Ring;

/* A file's record, but for its path, as it stands in the ring: its numbers become text in the log. */
typedef struct {
  char mark, kind;
  uint16_t start;
  int32_t pid;
  int64_t time, size, mtime, dev, ino;
} Sight;
enum { SIGHT = 1, TEXT = 160 }; /* what no other record begins with, and the most that the text takes */

static char *text_of(const Sight *sight, char *at) {
  *at++ = 'F';
  *at++ = ' ';
  at = number(number(at, sight->time), sight->pid);
  *at++ = sight->kind;
  *at++ = ' ';
  at = number(number(at, sight->size), sight->mtime);
  return number(number(number(at, sight->dev), sight->ino), sight->start);
}

typedef struct { uint64_t from, to; } Gap;

static Gap gaps[GAPS]; /* the owner's */
static int gap_count;
static Ring *ring;

static uint64_t mark_of(uint64_t at, uint64_t length) {
  return (mixed(at, 0x72696E67u) << 16 | 0x8000) ^ length; /* a length has 15 bits */
}

static size_t padded(uint64_t length) { return (length + sizeof(uint64_t) + 7) & ~(size_t)7; }

static uint64_t *mark_at(Ring *in, uint64_t at) { return (uint64_t *)(in->bytes + at % RING); }

/* Returns the length of the record at a position; 0 when it is not complete. */
static uint64_t length_at(Ring *in, uint64_t at) {
  uint64_t length = __atomic_load_n(mark_at(in, at), __ATOMIC_ACQUIRE) ^ mark_of(at, 0);
  return length < 0x8000 ? length : 0;
}

static size_t taken(Ring *in, uint64_t at, char *to, size_t length) {
  size_t first = RING - at % RING;
  if (first > length) first = length;
  memcpy(to, in->bytes + at % RING, first);
  memcpy(to + first, in->bytes, length - first);
  return length;
}

static size_t taken_as_text(Ring *in, uint64_t at, char *to, size_t length) {
  Sight sight;
  if (in->bytes[at % RING] != SIGHT || length < sizeof sight) return taken(in, at, to, length);
  taken(in, at, (char *)&sight, sizeof sight);
  char *end = text_of(&sight, to);
  return end - to + taken(in, at + sizeof sight, end, length - sizeof sight);
}

static void put(Ring *in, uint64_t at, const char *from, size_t length) {
  size_t first = RING - at % RING;
  if (first > length) first = length;
  memcpy(in->bytes + at % RING, from, first);
  if (UNUSUAL(first < length)) memcpy(in->bytes, from + first, length - first);
}

static char batch[BATCH];
static size_t batched;

static void write_batch(Ring *in) {
  struct iovec whole = part(batch, batched);
  long end = 0;
  int fd = batched ? usable_log(&end) : -1;
  write_log(fd, end, &whole, 1, batched);
  if (fd >= 0) in->moved += batched;
  batched = 0;
}

static void add_gap(Ring *in, uint64_t from, uint64_t to) {
  if (gap_count < GAPS) {
    gaps[gap_count++] = (Gap){from, to};
  } else { /* these will not be looked at again: something may be missing */
    in->closed = 1;
    if (batched + 2 > BATCH) write_batch(in);
    memcpy(batch + batched, "X", 2);
    batched += 2;
  }
}

/* Moves the complete records between two positions to the log, and remembers what is between. */
static void move(Ring *in, uint64_t from, uint64_t to) {
  uint64_t at = from;
  while (at < to) {
    uint64_t length = length_at(in, at);
    if (!length || at + padded(length) > to) {
      at += sizeof(uint64_t);
      continue;
    }
    if (from < at) add_gap(in, from, at);
    if (batched + length + TEXT > BATCH) write_batch(in);
    batched += taken_as_text(in, at + sizeof(uint64_t), batch + batched, length);
    from = at += padded(length);
  }
  if (from < to) add_gap(in, from, to);
}

/* Moves what the ring holds to the log; false where that is another's work. It is never that of
 * a fork, which may be killed in the midst of it. */
static int drained(void) {
  static uint64_t moved_to;
  static Gap before[GAPS];
  Ring *in = ring;
  if (!in || in->owner != PID || __atomic_exchange_n(&in->busy, 1, __ATOMIC_ACQUIRE)) return 0;
  uint64_t end = __atomic_load_n(&in->tail, __ATOMIC_ACQUIRE);
  int count = gap_count;
  memcpy(before, gaps, sizeof gaps);
  for (int i = gap_count = 0; i < count; i++) move(in, before[i].from, before[i].to);
  move(in, moved_to, end);
  moved_to = end;
  write_batch(in);
  __atomic_store_n(&in->head, gap_count ? gaps[0].from : end, __ATOMIC_RELEASE);
  __atomic_store_n(&in->busy, 0, __ATOMIC_RELEASE);
  return 1;
}

static int has_place(Ring *in, uint64_t at, size_t size) {
  return at + size - __atomic_load_n(&in->head, __ATOMIC_ACQUIRE) <= RING &&
         at + size <= (uint64_t)log_limit;
}

static int is_in_ring(const struct iovec *parts, int count, size_t whole, int can_wait) {
  Ring *in = ring;
  if (!in || __atomic_load_n(&in->closed, __ATOMIC_RELAXED) || whole >= 0x8000) return 0;
  size_t size = padded(whole);
  uint64_t at = __atomic_load_n(&in->tail, __ATOMIC_RELAXED);
  do
    if (!has_place(in, at, size)) {
      if (!drained()) return 0;
      at = __atomic_load_n(&in->tail, __ATOMIC_RELAXED);
      if (!has_place(in, at, size)) return __atomic_store_n(&in->closed, 1, __ATOMIC_RELAXED), 0;
    }
  while (!__atomic_compare_exchange_n(&in->tail, &at, at + size, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  uint64_t to = at + sizeof(uint64_t);
  for (int i = 0; i < count; to += parts[i++].iov_len) put(in, to, parts[i].iov_base, parts[i].iov_len);
  if (!can_wait) __atomic_fetch_add(&in->news, 1, __ATOMIC_RELAXED);
  __atomic_store_n(mark_at(in, at), mark_of(at, whole), __ATOMIC_RELEASE);
  return 1;
}

/* ---- records ---- */

/* A record of what was read or listed can wait until somebody wants to know. One that is written
 * apart, between vfork and exec, shares the parent's memory but not its descriptors: the log is
 * opened for it alone, and nothing is remembered. */
enum { CAN_WAIT = 1, IS_APART = 2, IS_SIGHT = 4 };

static void append_as(int how, struct iovec *parts, int count) {
  size_t whole = 1;
  char head[TEXT];
  parts[count] = part("", 1);
  for (int i = 0; i < count; i++) whole += parts[i].iov_len;
  if (is_in_ring(parts, count + 1, whole, how & CAN_WAIT)) return;
  if (how & IS_SIGHT) {
    size_t length = text_of(parts[0].iov_base, head) - head;
    whole += length - parts[0].iov_len;
    parts[0] = part(head, length);
  }
  long end = 0;
  int fd = how & IS_APART ? open_log() : usable_log(&end);
  if (!(how & IS_APART) || (end = log_size(fd)) < log_limit) write_log(fd, end, parts, count + 1, whole);
  if (how & IS_APART && fd >= 0) ask(SYS_close, fd, 0, 0, 0);
}

static void append(struct iovec *parts, int count) { append_as(0, parts, count); }

static void append_line(char *head, char *end, const char *last) {
  struct iovec parts[3] = {part(head, end - head), part(last, strlen(last))};
  append(parts, 2);
}

static char *begin(char *head, char kind, long pid) {
  *head++ = kind;
  *head++ = ' ';
  return number(number(head, now()), pid);
}

/* ---- paths ---- */

static uint64_t start_of(const char *text) {
  char start[8] = {0};
  for (int i = 0; i < 8 && text[i]; i++) start[i] = text[i];
  uint64_t word;
  return memcpy(&word, start, 8), word;
}

static int leads_up(const char *path) {
  for (const char *dot = path; (dot = strchr(dot, '.')); dot++)
    if (dot > path && dot[-1] == '/' && dot[1] == '.' && dot[2] == '/') return 1;
  return 0;
}

static int is_skipped(const char *path) {
  if (*path != '/') return 0;
  uint64_t start = start_of(path);
  for (int i = 0; i < start_count; i++)
    if ((start & starts[i].mask) == starts[i].word)
      for (const Prefix *one = first_with[i]; one; one = one->next)
        if (!strncmp(path, one->text, one->length)) return !leads_up(path);
  return 0;
}

/* The working directory may move between two looks at it: what a relative path means then is another
 * file. How often it moved so far, or MOVING when it does so right now. */
enum { MOVING = ~0u };
static unsigned moves, moving;

static unsigned moves_so_far(void) {
  unsigned sofar = __atomic_load_n(&moves, __ATOMIC_SEQ_CST);
  return __atomic_load_n(&moving, __ATOMIC_SEQ_CST) ? MOVING : sofar;
}

#define MOVE(name, parameter, argument)                                                \
  EXPORT int name(parameter) {                                                         \
    NEXT(int, name, parameter)                                                         \
    __atomic_add_fetch(&moving, 1, __ATOMIC_SEQ_CST);                                  \
    __atomic_add_fetch(&moves, 1, __ATOMIC_SEQ_CST);                                   \
    int result = real(argument);                                                       \
    __atomic_sub_fetch(&moving, 1, __ATOMIC_SEQ_CST);                                  \
    return result;                                                                     \
  }

MOVE(chdir, const char *path, path)
MOVE(fchdir, int fd, fd)

/* Fills in what a relative path is relative to; false when nobody can tell. */
static int folder_of(char *folder, int at, const char *path, struct iovec *parts) {
  parts[0] = parts[1] = part("", 0);
  if (*path == '/') return 1;
  long length;
  if (at == AT_FDCWD) {
    length = ask(SYS_getcwd, folder, PATH, 0, 0) - 1; /* it counts the NUL */
  } else {
    char link[40] = "/proc/self/fd/";
    char *end = number(link + 14, at);
    end[-1] = 0;
    length = ask(SYS_readlinkat, AT_FDCWD, link, folder, PATH);
  }
  if (length <= 0 || *folder != '/') return 0;
  parts[0] = part(folder, length);
  parts[1] = part("/", 1);
  return 1;
}

static char *look(char *at, const struct stat *found) {
  if (!found) return memcpy(at, "-1 -1 0 0 ", 10), at + 10;
  at = number(number(at, found->st_size), nanoseconds(&found->st_mtim));
  return number(number(at, (int64_t)found->st_dev), (int64_t)found->st_ino);
}

static uint64_t hash_of_folder(int at) {
  struct stat found = {0};
  ask(SYS_newfstatat, at, ".", &found, 0);
  return mixed(found.st_ino, found.st_dev);
}

/* A relative path means different files in different folders: which have different inodes, unless they
 * are not there yet, or several names of one. */
static uint64_t hash_of_file(char kind, int at, const char *path, const struct stat *found) {
  uint64_t hash = mixed(hash_of(path), (uint64_t)kind);
  if (*path != '/' && (!found || UNUSUAL(found->st_nlink > 1))) hash = mixed(hash, hash_of_folder(at));
  if (!found) return hash;
  hash = mixed(mixed(hash, found->st_ino), (uint64_t)nanoseconds(&found->st_mtim));
  return mixed(mixed(hash, (uint64_t)found->st_size), found->st_dev);
}

static void note_by_descriptor(char kind, int fd, const struct stat *found);

/* Notes a file that is open under a descriptor, or -1; before it was opened, the working directory had
 * `moved`, see `moves_so_far`. */
static void note_file(char kind, int at, const char *path, const struct stat *found, int fd, unsigned moved) {
  uint64_t hash = hash_of_file(kind, at, path, found);
  if (!is_new_near(hash, found ? found->st_ino : hash >> 40)) return;
  char folder[PATH];
  struct iovec parts[5];
  if (!folder_of(folder, at, path, parts + 1)) return;
  if (UNUSUAL(*path != '/' && at == AT_FDCWD && fd >= 0 && (moved == MOVING || moved != moves_so_far())))
    return note_by_descriptor(kind, fd, found);
  Sight sight = {.mark = SIGHT, .kind = kind, .pid = (int32_t)own_pid, .time = now(), .size = -1, .mtime = -1};
  sight.start = (uint16_t)(parts[1].iov_len + parts[2].iov_len);
  if (found) {
    sight.size = found->st_size;
    sight.mtime = nanoseconds(&found->st_mtim);
    sight.dev = (int64_t)found->st_dev;
    sight.ino = (int64_t)found->st_ino;
  }
  parts[0] = part(&sight, sizeof sight);
  parts[3] = part(path, strlen(path));
  append_as(IS_SIGHT | (kind == 'R' || kind == 'M' ? CAN_WAIT : 0), parts, 4);
}

/* Notes a file that is open under the path by which the system knows it. */
static void note_by_descriptor(char kind, int fd, const struct stat *found) {
  char path[PATH + 1], link[40] = "/proc/self/fd/";
  number(link + 14, fd)[-1] = 0;
  long length = ask(SYS_readlinkat, AT_FDCWD, link, path, PATH);
  if (length <= 0) return;
  path[length] = 0;
  if (*path == '/' && !is_skipped(path)) note_file(kind, AT_FDCWD, path, found, -1, 0);
}

static void note_folder(int fd, int at, const char *path) {
  if (!watching() || !path || is_skipped(path)) return;
  uint64_t hash = mixed(hash_of(path), 'D');
  if (!is_new(*path == '/' ? hash : mixed(hash, hash_of_folder(fd)))) return;
  char folder[PATH], head[64];
  struct iovec parts[5];
  if (!folder_of(folder, at, path, parts + 1)) return;
  parts[0] = part(head, begin(head, 'D', own_pid) - head);
  parts[3] = part(path, strlen(path));
  append_as(CAN_WAIT, parts, 4);
}

/* ---- what is about to be overwritten ---- */

static int has_room(long folder_of, int64_t size) {
  struct statfs room;
  return ask(SYS_fstatfs, folder_of, &room, 0, 0) == 0 &&
         (int64_t)room.f_bavail * (int64_t)room.f_bsize > 2 * size;
}

static int is_still(long source, const struct stat *found) {
  struct stat now;
  return ask(SYS_fstat, source, &now, 0, 0) == 0 && now.st_size == found->st_size &&
         nanoseconds(&now.st_mtim) == nanoseconds(&found->st_mtim);
}

static void copy_to(const char *name, long source, const struct stat *found) {
  long target = ask(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (target < 0) return;
  int64_t left = found->st_size;
  while (left > 0 && (left < found->st_size || has_room(target, left))) {
    long sent = ask(SYS_sendfile, target, source, NULL, left);
    if (sent <= 0) break;
    left -= sent;
  }
  ask(SYS_close, target, 0, 0, 0);
  if (left || !is_still(source, found)) ask(SYS_unlinkat, AT_FDCWD, name, 0, 0);
}

/* A file that is emptied by who never read it needs no copy: nothing hung on what it held. */
static void keep_copy(int at, const char *path, int flags) {
  enum { LONGEST = 64 << 20 };
  struct stat found;
  if (ask(SYS_newfstatat, at, path, &found, 0) < 0 || !S_ISREG(found.st_mode)) return;
  if (found.st_size <= 0 || found.st_size > LONGEST || found.st_size > keep_left) return;
  if (nanoseconds(&found.st_mtim) >= keep_older) return;
  if ((flags & O_TRUNC) && !is_known_near(hash_of_file('R', at, path, &found), found.st_ino)) return;
  long source = ask(SYS_openat, at, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
  if (source < 0) return;
  char name[PATH + 80];
  size_t length = strlen(keep_folder);
  memcpy(name, keep_folder, length);
  name[length++] = '/';
  char *end = number(name + length, found.st_size);
  end[-1] = '-';
  end = number(end, nanoseconds(&found.st_mtim));
  end[-1] = '-';
  number(end, (int64_t)found.st_ino)[-1] = 0;
  keep_left -= found.st_size;
  copy_to(name, source, &found);
  ask(SYS_close, source, 0, 0, 0);
}

/* How a file looks before it is opened in a way that makes or empties it, and where we are then. */
typedef struct { int wanted, there; unsigned moved; struct stat found; } Before;

static void look_before(Before *before, int at, const char *path, int flags) {
  before->moved = moves_so_far();
  before->wanted = watching() && path && (flags & (O_CREAT | O_TRUNC)) &&
                   (flags & O_TMPFILE) != O_TMPFILE && !is_skipped(path);
  before->there =
      before->wanted && ask(SYS_newfstatat, at, path, &before->found, 0) == 0;
  if (UNUSUAL(*keep_folder && (flags & (O_ACCMODE | O_TRUNC)) && watching() && path) &&
      !(flags & (O_PATH | O_DIRECTORY)) && !is_skipped(path))
    keep_copy(at, path, flags);
}

/* Whether a path leads through a process, to what may be any file. */
static int leads_on(const char *path) {
  if (!strncmp(path, "/dev/fd/", 8) || !strncmp(path, "/dev/std", 8)) return 1;
  return !strncmp(path, "/proc/", 6) && (strstr(path, "/fd/") || strstr(path, "/cwd/") || strstr(path, "/root"));
}

static void note_open(int fd, int at, const char *path, int flags, const Before *before) {
  if (fd < 0 || !watching() || !path || (flags & O_PATH)) return;
  int is_apart = is_skipped(path);
  if (is_apart && !leads_on(path)) return;
  if (flags & O_DIRECTORY) {
    if ((flags & O_TMPFILE) != O_TMPFILE && !is_apart) note_folder(fd, at, path);
    return;
  }
  struct stat found;
  if (ask(SYS_fstat, fd, &found, 0, 0) < 0 || !S_ISREG(found.st_mode)) return;
  int access = flags & O_ACCMODE, emptied = flags & O_TRUNC;
  const struct stat *then = !before->wanted ? &found : before->there ? &before->found : NULL;
  char kind = access == O_RDWR && !emptied && then ? 'B' : access || emptied ? 'W' : 'R';
  if (kind == 'W' && !emptied && then && then->st_size) kind = 'A';
  if (kind == 'R') then = &found; /* made empty by O_CREAT, perhaps: it is read all the same */
  if (!is_apart) note_file(kind, at, path, then, fd, before->moved);
  else if (found.st_nlink) note_by_descriptor(kind, fd, then);
}

/* ---- what Python opens ---- */

/* Python asks how a file looks right after it opened it, before anything can be read: what it is told
 * then is noted, so that the system is asked once. Only an open that is called from that one place in
 * Python is put off so, which `mlops_trace_learn` finds: from there only errors lead elsewhere. */
enum { LATEST = 512 };

static void *python_opens; /* where that open returns to */
static __thread struct { int fd; unsigned moved; char path[LATEST]; } late
    __attribute__((tls_model("initial-exec"))); /* a descriptor, and 1 */
static __thread struct { const char *path; void *from, *seen; int fd; } lesson
    __attribute__((tls_model("initial-exec")));

/* Whether this open is noted when Python asks. */
static int is_put_off(int fd, const char *path, int flags, void *from, const Before *before) {
  if (UNUSUAL(lesson.path != NULL) && path && !strcmp(path, lesson.path)) {
    lesson.from = from;
    lesson.fd = fd;
  }
  if (from != __atomic_load_n(&python_opens, __ATOMIC_RELAXED) || !from) return 0;
  if (flags != (O_RDONLY | O_CLOEXEC) || fd < 0 || !watching() || is_skipped(path)) return 0;
  size_t length = strlen(path);
  if (length >= LATEST) return 0;
  memcpy(late.path, path, length + 1);
  late.moved = before->moved;
  late.fd = fd + 1;
  return 1;
}

static void note_late(int fd, const struct stat *found) {
  if (lesson.path && lesson.fd == fd) lesson.seen = lesson.from;
  if (late.fd != fd + 1) return;
  late.fd = 0;
  if (watching() && S_ISREG(found->st_mode))
    note_file('R', AT_FDCWD, late.path, found, fd, late.moved);
}

#define IS_TOLD (late.fd || lesson.path)

EXPORT int fstat(int fd, struct stat *found) {
  long result = ask(SYS_fstat, fd, found, 0, 0);
  if (UNUSUAL(result < 0)) return errno = (int)-result, -1;
  if (UNUSUAL(IS_TOLD)) note_late(fd, found);
  return 0;
}

EXPORT int fstat64(int fd, struct stat64 *found) { return fstat(fd, (struct stat *)found); }

/* What they were called before glibc 2.33. */
#define FXSTAT(name)                                                                   \
  EXPORT int name(int version, int fd, struct stat *found);                            \
  EXPORT int name(int version, int fd, struct stat *found) {                           \
    NEXT(int, name, int, int, struct stat *)                                           \
    int result = real(version, fd, found);                                             \
    if (UNUSUAL(IS_TOLD) && result == 0) note_late(fd, found);                         \
    return result;                                                                     \
  }

static int flags_of(const char *mode) {
  int flags = *mode == 'r' ? 0 : O_CREAT | (*mode == 'w' ? O_TRUNC : 0);
  while (*++mode && *mode != ',')
    if (*mode == '+') return flags | O_RDWR;
  return flags | (flags ? O_WRONLY : O_RDONLY);
}

/* ---- opening ---- */

#define OPEN(name)                                                                     \
  EXPORT int name(const char *path, int flags, ...) {                                  \
    NEXT(int, name, const char *, int, ...)                                            \
    va_list rest;                                                                      \
    va_start(rest, flags);                                                             \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;            \
    va_end(rest);                                                                      \
    Before before;                                                                     \
    look_before(&before, AT_FDCWD, path, flags);                                       \
    int fd = real(path, flags, mode);                                                  \
    if (!is_put_off(fd, path, flags, __builtin_return_address(0), &before))            \
      note_open(fd, AT_FDCWD, path, flags, &before);                                   \
    return fd;                                                                         \
  }
#define OPENAT(name)                                                                   \
  EXPORT int name(int at, const char *path, int flags, ...) {                          \
    NEXT(int, name, int, const char *, int, ...)                                       \
    va_list rest;                                                                      \
    va_start(rest, flags);                                                             \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;            \
    va_end(rest);                                                                      \
    Before before;                                                                     \
    look_before(&before, at, path, flags);                                             \
    int fd = real(at, path, flags, mode);                                              \
    note_open(fd, at, path, flags, &before);                                           \
    return fd;                                                                         \
  }
#define OPEN_2(name)                                                                   \
  EXPORT int name(const char *path, int flags);                                        \
  EXPORT int name(const char *path, int flags) {                                       \
    NEXT(int, name, const char *, int)                                                 \
    Before before = {0};                                                               \
    look_before(&before, AT_FDCWD, path, flags);                                       \
    int fd = real(path, flags);                                                        \
    note_open(fd, AT_FDCWD, path, flags, &before);                                     \
    return fd;                                                                         \
  }
#define OPENAT_2(name)                                                                 \
  EXPORT int name(int at, const char *path, int flags);                                \
  EXPORT int name(int at, const char *path, int flags) {                               \
    NEXT(int, name, int, const char *, int)                                            \
    Before before = {0};                                                               \
    look_before(&before, at, path, flags);                                             \
    int fd = real(at, path, flags);                                                    \
    note_open(fd, at, path, flags, &before);                                           \
    return fd;                                                                         \
  }
#define CREAT(name)                                                                    \
  EXPORT int name(const char *path, mode_t mode) {                                     \
    NEXT(int, name, const char *, mode_t)                                              \
    Before before;                                                                     \
    int flags = O_CREAT | O_WRONLY | O_TRUNC;                                          \
    look_before(&before, AT_FDCWD, path, flags);                                       \
    int fd = real(path, mode);                                                         \
    note_open(fd, AT_FDCWD, path, flags, &before);                                     \
    return fd;                                                                         \
  }
#define FOPEN(name, parameters, arguments, ...)                                        \
  EXPORT FILE *name parameters {                                                       \
    NEXT(FILE *, name, __VA_ARGS__)                                                    \
    Before before = {0};                                                               \
    int flags = mode ? flags_of(mode) : 0;                                             \
    look_before(&before, AT_FDCWD, path, flags);                                       \
    FILE *file = real arguments;                                                       \
    if (file) {                                                                        \
      int kept = errno;                                                                \
      note_open(fileno(file), AT_FDCWD, path, flags, &before);                         \
      errno = kept;                                                                    \
    }                                                                                  \
    return file;                                                                       \
  }
/* The name is known only once the file was made. */
#define MKSTEMP(name, parameters, arguments, ...)                                      \
  EXPORT int name parameters {                                                         \
    NEXT(int, name, __VA_ARGS__)                                                       \
    Before before = {1, 0, moves_so_far(), {0}};                                     \
    int fd = real arguments;                                                           \
    note_open(fd, AT_FDCWD, path, O_RDWR | O_CREAT, &before);                          \
    return fd;                                                                         \
  }

EXPORT DIR *opendir(const char *path) {
  NEXT(DIR *, opendir, const char *)
  DIR *folder = real(path);
  if (folder) note_folder(dirfd(folder), AT_FDCWD, path);
  return folder;
}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
OPEN_2(__open_2)
OPEN_2(__open64_2)
OPENAT_2(__openat_2)
OPENAT_2(__openat64_2)
CREAT(creat)
CREAT(creat64)
FOPEN(fopen, (const char *path, const char *mode), (path, mode), const char *, const char *)
FOPEN(fopen64, (const char *path, const char *mode), (path, mode), const char *, const char *)
FOPEN(freopen, (const char *path, const char *mode, FILE *old), (path, mode, old), const char *,
      const char *, FILE *)
FOPEN(freopen64, (const char *path, const char *mode, FILE *old), (path, mode, old), const char *,
      const char *, FILE *)
MKSTEMP(mkstemp, (char *path), (path), char *)
MKSTEMP(mkstemp64, (char *path), (path), char *)
MKSTEMP(mkostemp, (char *path, int flags), (path, flags), char *, int)
MKSTEMP(mkostemp64, (char *path, int flags), (path, flags), char *, int)
MKSTEMP(mkstemps, (char *path, int length), (path, length), char *, int)
MKSTEMP(mkstemps64, (char *path, int length), (path, length), char *, int)
EXPORT int open_by_handle_at(int mount, struct file_handle *handle, int flags) {
  NEXT(int, open_by_handle_at, int, struct file_handle *, int)
  int fd = real(mount, handle, flags);
  struct stat found;
  if (fd >= 0 && watching() && !(flags & O_PATH) && ask(SYS_fstat, fd, &found, 0, 0) == 0 &&
      S_ISREG(found.st_mode) && found.st_nlink)
    note_by_descriptor(flags & O_ACCMODE ? 'B' : 'R', fd, &found);
  return fd;
}

/* A file may be cut, or made longer, without being opened. */
#define TRUNCATE(name, type)                                                           \
  EXPORT int name(const char *path, type length) {                                     \
    NEXT(int, name, const char *, type)                                                \
    Before before;                                                                     \
    struct stat found;                                                                 \
    int seen = watching() && ask(SYS_newfstatat, AT_FDCWD, path, &found, 0) == 0 &&    \
               S_ISREG(found.st_mode) && !is_skipped(path);                            \
    if (seen) look_before(&before, AT_FDCWD, path, O_WRONLY | (length ? 0 : O_TRUNC)); \
    int result = real(path, length);                                                   \
    if (seen && result == 0)                                                           \
      note_file(length && found.st_size ? 'A' : 'W', AT_FDCWD, path, &found, -1, 0);   \
    return result;                                                                     \
  }

TRUNCATE(truncate, off_t)
TRUNCATE(truncate64, off64_t)
FXSTAT(__fxstat)
FXSTAT(__fxstat64)

/* A file that was opened in a way that is not seen here, or handed over, shows when mapped. */
static void *mapped(void *where, size_t size, int protection, int flags, int fd, off_t offset) {
  long result = ask6(SYS_mmap, (long)where, (long)size, protection, flags, fd, offset);
  if (UNUSUAL((unsigned long)result > -4096UL)) return errno = (int)-result, MAP_FAILED;
  struct stat found;
  if (fd >= 0 && !(flags & MAP_ANONYMOUS) && watching() &&
      ask(SYS_fstat, fd, &found, 0, 0) == 0 && S_ISREG(found.st_mode) && found.st_nlink)
    note_by_descriptor('M', fd, &found);
  return (void *)result;
}

EXPORT void *mmap(void *where, size_t size, int protection, int flags, int fd, off_t offset) {
  return mapped(where, size, protection, flags, fd, offset);
}

EXPORT void *mmap64(void *where, size_t size, int protection, int flags, int fd, off_t offset) {
  return mapped(where, size, protection, flags, fd, offset);
}

/* ---- renaming ---- */

static void note_rename(const struct stat *found, int from, const char *old, int to, const char *new) {
  char head[160], old_folder[PATH], new_folder[PATH];
  struct iovec parts[8];
  if (!folder_of(old_folder, from, old, parts + 1) || !folder_of(new_folder, to, new, parts + 4)) return;
  parts[3] = part(old, strlen(old));
  parts[6] = part(new, strlen(new));
  char *end = look(begin(head, 'V', own_pid), found);
  end = number(end, (int64_t)(parts[1].iov_len + parts[2].iov_len + parts[3].iov_len));
  parts[0] = part(head, end - head);
  append(parts, 7);
}

#define RENAME(name, from, to, parameters, arguments, ...)                             \
  EXPORT int name parameters {                                                         \
    NEXT(int, name, __VA_ARGS__)                                                       \
    struct stat found;                                                                 \
    int seen = watching() && ask(SYS_newfstatat, from, old, &found, 0) == 0 &&         \
               (S_ISREG(found.st_mode) || S_ISDIR(found.st_mode)) &&                   \
               !(is_skipped(old) && is_skipped(new));                                  \
    int result = real arguments;                                                       \
    if (seen && result == 0) note_rename(&found, from, old, to, new);                  \
    return result;                                                                     \
  }

RENAME(rename, AT_FDCWD, AT_FDCWD, (const char *old, const char *new), (old, new), const char *,
       const char *)
RENAME(renameat, from, to, (int from, const char *old, int to, const char *new), (from, old, to, new),
       int, const char *, int, const char *)
RENAME(renameat2, from, to,
       (int from, const char *old, int to, const char *new, unsigned int flags),
       (from, old, to, new, flags), int, const char *, int, const char *, unsigned int)

/* Another name for a file: its bytes are taken from the old one. */
static void note_link(int from, const char *old, int to, const char *new) {
  struct stat found;
  if (!watching() || ask(SYS_newfstatat, to, new, &found, 0) < 0 || !S_ISREG(found.st_mode)) return;
  if (*old && !is_skipped(old)) note_file('R', from, old, &found, -1, 0);
  else if (!*old && found.st_nlink > 1) note_by_descriptor('R', from, &found);
  if (!is_skipped(new)) note_file('W', to, new, NULL, -1, 0);
}

EXPORT int link(const char *old, const char *new) {
  NEXT(int, link, const char *, const char *)
  int result = real(old, new);
  if (result == 0) note_link(AT_FDCWD, old, AT_FDCWD, new);
  return result;
}

EXPORT int linkat(int from, const char *old, int to, const char *new, int flags) {
  NEXT(int, linkat, int, const char *, int, const char *, int)
  int result = real(from, old, to, new, flags);
  if (result == 0) note_link(from, old, to, new);
  return result;
}

/* ---- system calls by their number ---- */

#if !defined(SYS_openat2) /* old headers */
#define SYS_openat2 437
#endif
#if !defined(SYS_io_uring_setup)
#define SYS_io_uring_setup 425
#endif

/* Some programs open files so (tar and cp of today, with openat2). Whatever else is asked for
 * goes straight through, in registers and on the stack as it came: what returns may be a clone
 * with a stack of its own. */
#if defined(__x86_64__)
__asm__(".text\n.globl syscall\n.type syscall,@function\nsyscall:\n.cfi_startproc\n"
        ".byte 0xf3, 0x0f, 0x1e, 0xfa\n" /* endbr64 */
        "cmpq $2, %rdi\nje 1f\ncmpq $85, %rdi\nje 1f\ncmpq $257, %rdi\nje 1f\n"
        "cmpq $425, %rdi\nje 1f\ncmpq $437, %rdi\nje 1f\n"
        "movq %rdi, %rax\nmovq %rsi, %rdi\nmovq %rdx, %rsi\nmovq %rcx, %rdx\n"
        "movq %r8, %r10\nmovq %r9, %r8\nmovq 8(%rsp), %r9\nsyscall\n"
        "cmpq $-4095, %rax\njae 2f\nret\n"
        "1: jmp mlops_open_by_number\n"
        "2: movl %eax, %edi\nnegl %edi\njmp mlops_fail\n"
        ".cfi_endproc\n.size syscall, .-syscall\n");
#elif defined(__aarch64__)
__asm__(".text\n.globl syscall\n.type syscall,@function\nsyscall:\n.cfi_startproc\n"
        "hint #34\n" /* bti c */
        "cmp x0, #56\nb.eq 1f\ncmp x0, #425\nb.eq 1f\ncmp x0, #437\nb.eq 1f\n"
        "mov x8, x0\nmov x0, x1\nmov x1, x2\nmov x2, x3\nmov x3, x4\nmov x4, x5\nmov x5, x6\n"
        "svc #0\ncmn x0, #4095\nb.hs 2f\nret\n"
        "1: b mlops_open_by_number\n"
        "2: neg w0, w0\nb mlops_fail\n"
        ".cfi_endproc\n.size syscall, .-syscall\n");
#endif

static void note_ring(void) {
  char head[64];
  if (watching() && is_new(mixed((uint64_t)own_pid, 'U'))) append_line(head, begin(head, 'U', own_pid), "");
}

#if defined(__x86_64__) || defined(__aarch64__)
#define FROM_ASSEMBLER __attribute__((used, visibility("hidden")))
FROM_ASSEMBLER long mlops_fail(int number);
FROM_ASSEMBLER long mlops_fail(int number) { return errno = number, -1; }

FROM_ASSEMBLER long mlops_open_by_number(long, long, long, long, long);
FROM_ASSEMBLER long mlops_open_by_number(long call, long a, long b, long c, long d) {
  int here = 0, is_ring = call == SYS_io_uring_setup, flags = (int)c;
#if defined(SYS_open) /* not on aarch64 */
  here = call == SYS_open || call == SYS_creat;
  if (here) flags = (int)(call == SYS_open ? b : O_CREAT | O_WRONLY | O_TRUNC);
#endif
  int at = here ? AT_FDCWD : (int)a;
  const char *path = (const char *)(here ? a : b);
  Before before = {1, 0, moves_so_far(), {0}};
  before.there = !is_ring && watching() && ask(SYS_newfstatat, at, path, &before.found, 0) == 0;
  long result = ask(call, a, b, c, d);
  if (UNUSUAL((unsigned long)result > -4096UL)) return mlops_fail((int)-result);
  if (call == SYS_openat2) memcpy(&flags, (void *)c, sizeof flags); /* the first word of open_how */
  if (!is_ring) note_open((int)result, at, path, flags, &before);
  else note_ring();
  return result;
}
#endif

/* Of C libraries from 2.43 on. */
EXPORT int openat2(int at, const char *path, const void *how, size_t size);
EXPORT int openat2(int at, const char *path, const void *how, size_t size) {
  return (int)mlops_open_by_number(SYS_openat2, at, (long)path, (long)how, (long)size);
}

/* liburing asks the system past the C library. */
#define URING(name, parameters, arguments, ...)                                        \
  EXPORT int name parameters;                                                          \
  EXPORT int name parameters {                                                         \
    NEXT(int, name, __VA_ARGS__)                                                       \
    int result = real arguments;                                                       \
    if (result >= 0) note_ring();                                                      \
    return result;                                                                     \
  }

URING(io_uring_queue_init, (unsigned entries, void *ring, unsigned flags), (entries, ring, flags),
      unsigned, void *, unsigned)
URING(io_uring_queue_init_params, (unsigned entries, void *ring, void *how), (entries, ring, how),
      unsigned, void *, void *)
URING(io_uring_queue_init_mem,
      (unsigned entries, void *ring, void *how, void *place, size_t size),
      (entries, ring, how, place, size), unsigned, void *, void *, void *, size_t)
URING(io_uring_setup, (unsigned entries, void *how), (entries, how), unsigned, void *)

/* ---- peers ---- */

static void note_peer(char kind, int by, const struct sockaddr *address, socklen_t length) {
  char head[80], peer[sizeof(struct sockaddr_un) + 2] = "";
  int port = -1, kept = errno;
  if (address->sa_family == AF_INET) {
    const struct sockaddr_in *in = (const void *)address;
    port = ntohs(in->sin_port);
    inet_ntop(AF_INET, &in->sin_addr, peer, sizeof peer);
  } else if (address->sa_family == AF_INET6 && length >= sizeof(struct sockaddr_in6)) {
    const struct sockaddr_in6 *in = (const void *)address;
    port = ntohs(in->sin6_port);
    inet_ntop(AF_INET6, &in->sin6_addr, peer, sizeof peer);
  } else if (address->sa_family == AF_UNIX && length > sizeof(sa_family_t)) {
    const struct sockaddr_un *un = (const void *)address;
    size_t most = length - sizeof(sa_family_t);
    if (most > sizeof un->sun_path) most = sizeof un->sun_path;
    memcpy(peer, un->sun_path, most);
    if (!*peer) *peer = '@'; /* an abstract name */
  }
  errno = kept;
  uint64_t way = ((uint64_t)port << 16) + ((uint64_t)(by + 1) << 8) + (uint64_t)kind;
  if (!*peer || !is_new(mixed(hash_of(peer), way))) return;
  char *end = number(begin(head, kind, own_pid), port);
  append_line(head, by < 0 ? end : number(end, by), peer);
}

EXPORT int connect(int fd, const struct sockaddr *address, socklen_t length) {
  NEXT(int, connect, int, const struct sockaddr *, socklen_t)
  int result = real(fd, address, length);
  if (watching() && address && (result == 0 || errno == EINPROGRESS)) {
    int type = 0;
    socklen_t size = sizeof type;
    ask6(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, (long)&type, (long)&size, 0);
    int driver = driving || __atomic_load_n(&driving_anywhere, __ATOMIC_RELAXED);
    if (type != SOCK_DGRAM) note_peer('C', driver ? 2 : announced == fd + 1, address, length);
    if (announced == fd + 1) announced = 0;
  }
  return result;
}

EXPORT int listen(int fd, int backlog) {
  NEXT(int, listen, int, int)
  int result = real(fd, backlog);
  struct sockaddr_storage own = {0};
  socklen_t size = sizeof own;
  if (watching() && result == 0 && ask(SYS_getsockname, fd, &own, &size, 0) == 0)
    note_peer('L', -1, (struct sockaddr *)&own, size);
  return result;
}

EXPORT int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                       struct addrinfo **found) {
  NEXT(int, getaddrinfo, const char *, const char *, const struct addrinfo *, struct addrinfo **)
  int result = real(name, service, hints, found), count = 0, kept = errno;
  if (watching() && result == 0 && name && strlen(name) < 256) {
    for (struct addrinfo *one = *found; one && count < 16; one = one->ai_next, count++) {
      char head[160], address[INET6_ADDRSTRLEN + 2] = "";
      const void *bytes = one->ai_family == AF_INET
                              ? (void *)&((struct sockaddr_in *)one->ai_addr)->sin_addr
                              : (void *)&((struct sockaddr_in6 *)one->ai_addr)->sin6_addr;
      if (!inet_ntop(one->ai_family, bytes, address, INET6_ADDRSTRLEN)) continue;
      if (!is_new(mixed(hash_of(address), hash_of(name)))) continue;
      char *end = begin(head, 'N', own_pid);
      size_t length = strlen(address);
      memcpy(end, address, length);
      end[length] = ' ';
      append_line(head, end + length + 1, name);
    }
  }
  errno = kept;
  return result;
}

/* ---- processes ---- */

static int keeps_us(char *const *env) {
  int preload = 0, log = 0;
  for (; env && *env; env++) {
    preload |= !strncmp(*env, "LD_PRELOAD=", 11) && strstr(*env, "tracer.so");
    log |= !strncmp(*env, "MLOPS_TRACE=", 12);
  }
  return preload && log;
}

static void note_start(char kind, long pid, int64_t time, int kept, const char *file) {
  if (!watching()) return;
  char head[80] = {kind, ' '}, *end = number(number(head + 2, time), pid);
  int count = 1;
  struct iovec parts[3];
  if (kind == 'S') {
    end = number(end, kept);
    parts[count++] = part(file, strnlen(file, PATH - 1));
  }
  parts[0] = part(head, end - head);
  append_as(IS_APART, parts, count);
}

/* What is started as work of ours is not watched: it runs without the log's name. */
#define ENVIRONMENT(env)                                                               \
  char *const *given = (env);                                                          \
  size_t count = 0, at = 0;                                                            \
  while (active && paused && given && given[count]) count++;                           \
  char *fewer[count + 1];                                                              \
  if (count) {                                                                         \
    for (size_t i = 0; i < count; i++)                                                 \
      if (strncmp(given[i], "MLOPS_TRACE=", 12)) fewer[at++] = given[i];               \
    fewer[at] = NULL;                                                                  \
    given = fewer;                                                                     \
  }

#define EXEC(call)                                                                     \
  note_start('S', PID, now(), keeps_us(given), file ? file : "");                      \
  drained(); /* the ring is gone with the program */                                   \
  int result = call;                                                                   \
  note_start('E', PID, now(), 0, "");                                                  \
  return result;

EXPORT int execve(const char *file, char *const argv[], char *const env[]) {
  NEXT(int, execve, const char *, char *const[], char *const[])
  ENVIRONMENT(env)
  /* Python tries every folder of PATH: what is not there is not worth two records. */
  if (ask(SYS_faccessat, AT_FDCWD, file, X_OK, 0) < 0) return real(file, argv, given);
  EXEC(real(file, argv, given))
}

EXPORT int execv(const char *file, char *const argv[]) { return execve(file, argv, environ); }

EXPORT int execvpe(const char *file, char *const argv[], char *const env[]) {
  NEXT(int, execvpe, const char *, char *const[], char *const[])
  ENVIRONMENT(env)
  EXEC(real(file, argv, given))
}

EXPORT int execvp(const char *file, char *const argv[]) { return execvpe(file, argv, environ); }

/* The C library's own of these go past what stands here. */
#define WORDS                                                                          \
  va_list rest;                                                                        \
  size_t length = 0;                                                                   \
  va_start(rest, word);                                                                \
  for (const char *one = word; one; one = va_arg(rest, const char *)) length++;        \
  va_end(rest);                                                                        \
  char *words[length + 1];                                                             \
  words[0] = (char *)word;                                                             \
  va_start(rest, word);                                                                \
  for (size_t i = 1; i <= length; i++) words[i] = va_arg(rest, char *);

EXPORT int execl(const char *file, const char *word, ...) {
  WORDS
  va_end(rest);
  return execve(file, words, environ);
}

EXPORT int execlp(const char *file, const char *word, ...) {
  WORDS
  va_end(rest);
  return execvpe(file, words, environ);
}

EXPORT int execle(const char *file, const char *word, ...) {
  WORDS
  if (!length) (void)va_arg(rest, char *); /* nothing but the end stood there */
  char *const *env = va_arg(rest, char *const *);
  va_end(rest);
  return execve(file, words, env);
}

EXPORT int execveat(int folder, const char *file, char *const argv[], char *const env[], int flags) {
  NEXT(int, execveat, int, const char *, char *const[], char *const[], int)
  ENVIRONMENT(env)
  EXEC(real(folder, file, argv, given, flags))
}

EXPORT int fexecve(int fd, char *const argv[], char *const env[]) {
  NEXT(int, fexecve, int, char *const[], char *const[])
  ENVIRONMENT(env)
  char path[PATH + 1], link[40] = "/proc/self/fd/", *file = path;
  number(link + 14, fd)[-1] = 0;
  long end = ask(SYS_readlinkat, AT_FDCWD, link, path, PATH);
  path[end > 0 ? end : 0] = 0;
  EXEC(real(fd, argv, given))
}

#define SPAWN(name)                                                                    \
  EXPORT int name(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions, \
                  const posix_spawnattr_t *attributes, char *const argv[], char *const env[]) { \
    NEXT(int, name, pid_t *, const char *, const posix_spawn_file_actions_t *,         \
         const posix_spawnattr_t *, char *const[], char *const[])                      \
    ENVIRONMENT(env)                                                                   \
    int64_t time = now();                                                              \
    pid_t child = 0;                                                                   \
    int result = real(&child, file, actions, attributes, argv, given);                 \
    if (result == 0) {                                                                 \
      if (pid) *pid = child;                                                           \
      note_start('S', child, time, keeps_us(given), file);                             \
    }                                                                                  \
    return result;                                                                     \
  }

SPAWN(posix_spawn)
SPAWN(posix_spawnp)

EXPORT int system(const char *command) {
  NEXT(int, system, const char *)
  if (command && watching() && !keeps_us(environ)) note_start('S', 0, now(), 0, command);
  return real(command);
}

EXPORT FILE *popen(const char *command, const char *mode) {
  NEXT(FILE *, popen, const char *, const char *)
  if (command && watching() && !keeps_us(environ)) note_start('S', 0, now(), 0, command);
  return real(command, mode);
}

static void forked(void) {
  own_pid = PID;
  if (!active) return;
  if (paused) { /* a process of ours */
    active = 0;
    return;
  }
  char head[80], *end = begin(head, 'K', own_pid);
  end = number(end, ask(SYS_getppid, 0, 0, 0, 0));
  append_line(head, end, "");
}

/* Work of ours in this thread begins (1) or ends (-1): it is no part of what is watched. */
EXPORT void mlops_trace_pause(int step);
EXPORT void mlops_trace_pause(int step) { paused += step; }

/* In this thread a driver whose answers are recorded begins (1) or has ended (-1) to connect. */
EXPORT void mlops_trace_driver(int step);
EXPORT void mlops_trace_driver(int step) { driving += step; }

/* The same for every thread: a compiled driver connects in threads of its own. */
EXPORT void mlops_trace_drivers(int step);
EXPORT void mlops_trace_drivers(int step) {
  __atomic_add_fetch(&driving_anywhere, step, __ATOMIC_RELAXED);
}

/* The next that this thread connects, if it is this descriptor, is a socket of Python's. */
EXPORT void mlops_trace_socket(int fd);
EXPORT void mlops_trace_socket(int fd) { announced = fd + 1; }

/* Whether the first process that the log tells of is this one: then it is its log's reader. */
static int is_first(void) {
  char head[64] = "", *end;
  long fd = ask(SYS_openat, AT_FDCWD, log_path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return 0;
  ask(SYS_read, fd, head, sizeof head - 1, 0);
  ask(SYS_close, fd, 0, 0, 0);
  if (strncmp(head, "P ", 2)) return 0;
  strtoll(head + 2, &end, 10);
  return strtol(end, NULL, 10) == PID;
}

/* This process, which reads the log, wants its records in a ring; says whether there is one. */
EXPORT int mlops_trace_gather(void);
EXPORT int mlops_trace_gather(void) {
  if (ring || !active || !is_first()) return ring != NULL;
  enum { FLAGS = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE };
  long found = ask6(SYS_mmap, 0, sizeof(Ring), PROT_READ | PROT_WRITE, FLAGS, -1, 0);
  if ((unsigned long)found > -4096UL) return 0;
  Ring *made = (Ring *)found;
  made->owner = PID;
  __atomic_store_n(&ring, made, __ATOMIC_RELEASE);
  return 1;
}

/* Moves to the log what the ring holds; says whether it did so. */
EXPORT int mlops_trace_drain(void);
EXPORT int mlops_trace_drain(void) {
  const struct timespec millisecond = {0, 1000000};
  for (int i = 0; ring && ring->owner == PID; i++) {
    if (drained()) return 1;
    if (i == 100) return 0; /* another thread has begun to, and never ends */
    ask(SYS_nanosleep, &millisecond, NULL, 0, 0);
  }
  return 1;
}

/* Returns another number than before when more happened than that files were read: what came
 * into the ring that cannot wait, and what the log holds that did not come from there. */
EXPORT unsigned long mlops_trace_news(void);
EXPORT unsigned long mlops_trace_news(void) {
  long end = 0;
  if (active) usable_log(&end);
  unsigned long size = (unsigned long)end;
  return ring ? size - ring->moved + __atomic_load_n(&ring->news, __ATOMIC_RELAXED) : size;
}

/* ---- what Python announces ---- */

/* An audit hook of Python's own costs a call of a Python function for each event of the process,
 * and most events are files that are opened to be read, which are noted here anyway. This one
 * hands on only what is wanted. Nothing of Python's is linked to: what the interpreter around us
 * does not export is not used, and then there is no hook. */
typedef struct Object Object;

static struct {
  int (*add)(int (*)(const char *, Object *, void *), void *);
  Object *(*call)(Object *, const char *, ...), *(*item)(Object *, ssize_t);
  long (*number)(Object *);
  void (*keep)(Object *), (*drop)(Object *), (*forget_error)(void), (*quiet)(void *), (*loud)(void *);
  void *(*thread)(void), *(*interpreter)(void);
  int (*lives)(void), (*announce)(const char *, const char *, ...);
} python;
static int heard;                         /* others may forbid hooks, and say nothing */
static void *home;                        /* the interpreter that the hook belongs to */
static char wanted[1024];                 /* names of events, each behind a blank */
static uint64_t wanted_lengths;
EXPORT volatile int mlops_trace_left;     /* files that are only read are left to the tracer */

static int is_wanted(const char *event) {
  size_t length = strlen(event);
  if (length > 63 || !(wanted_lengths >> length & 1)) return 0;
  for (const char *at = wanted; (at = strstr(at, event)); at += length)
    if (at[-1] == ' ' && (at[length] == ' ' || !at[length])) return 1;
  return 0;
}

static int is_left(Object *args) {
  Object *flags = python.item(args, 2);
  long value = flags ? python.number(flags) : -1;
  if (value < 0) python.forget_error(); /* somebody else's event of this name */
  return value >= 0 && !(value & O_ACCMODE);
}

static int audited(const char *event, Object *args, void *call) {
  int is_open = !strcmp(event, "open");
  heard = 1;
  if (is_open ? mlops_trace_left && active && is_left(args) : !is_wanted(event)) return 0;
  if (!python.lives() || python.interpreter() != home) return 0;
  void *thread = python.thread();
  python.quiet(thread); /* as Python does it: no debugger steps into a hook */
  Object *result = python.call(call, "(sO)", event, args);
  python.loud(thread);
  if (!result) return -1; /* an interrupt that came meanwhile */
  python.drop(result);
  return 0;
}

static int find(void *slot, const char *name) {
  void *found = dlsym(RTLD_DEFAULT, name);
  memcpy(slot, &found, sizeof found);
  return found != NULL;
}

/* Hands the audit events of these names, each behind a blank, and those of files to a Python
 * function of two arguments, for good; says whether it does. The caller holds the GIL. */
EXPORT int mlops_trace_audit(const char *names, Object *call);
EXPORT int mlops_trace_audit(const char *names, Object *call) {
  if (home || strlen(names) >= sizeof wanted - 1 || !find(&python.add, "PySys_AddAuditHook") ||
      !find(&python.call, "PyObject_CallFunction") || !find(&python.item, "PyTuple_GetItem") ||
      !find(&python.number, "PyLong_AsLong") || !find(&python.keep, "Py_IncRef") ||
      !find(&python.drop, "Py_DecRef") || !find(&python.forget_error, "PyErr_Clear") ||
      !find(&python.quiet, "PyThreadState_EnterTracing") ||
      !find(&python.loud, "PyThreadState_LeaveTracing") ||
      !find(&python.thread, "PyThreadState_Get") || !find(&python.lives, "Py_IsInitialized") ||
      !find(&python.interpreter, "PyInterpreterState_Get") || !find(&python.announce, "PySys_Audit"))
    return 0;
  strcpy(wanted, names);
  for (char *at = wanted; (at = strchr(at, ' ')); at++)
    wanted_lengths |= 1ull << (strcspn(at + 1, " ") & 63);
  home = python.interpreter();
  python.keep(call);
  if (python.add(audited, call) || python.announce("mlops.hook", NULL)) python.forget_error();
  return heard;
}

/* Python is about to open this file, which shows where it does so; or, with NULL, did: says whether its
 * opens are put off now. None is where that is no place in Python itself, but in something that others
 * put in front of the C library, which may open more than Python's files. */
EXPORT int mlops_trace_learn(const char *path);
EXPORT int mlops_trace_learn(const char *path) {
  Dl_info place, interpreter;
  void *seen = lesson.seen, *known = dlsym(RTLD_DEFAULT, "Py_IsInitialized");
  memset(&lesson, 0, sizeof lesson);
  lesson.path = path;
  lesson.fd = -1;
  if (seen && known && dladdr(known, &interpreter) && dladdr(seen, &place) &&
      place.dli_fbase == interpreter.dli_fbase)
    __atomic_store_n(&python_opens, seen, __ATOMIC_RELAXED);
  return python_opens != NULL;
}

static void add_prefix(const char *text) {
  static const char ones[] = "\xff\xff\xff\xff\xff\xff\xff\xff";
  if (is_skipped(text)) return; /* it lies below another */
  Prefix *added = &prefixes[prefix_count++];
  added->text = text;
  added->length = strlen(text);
  uint64_t word = start_of(text), mask = start_of(ones + (added->length < 8 ? 8 - added->length : 0));
  int i = 0;
  while (i < start_count && (starts[i].word != word || starts[i].mask != mask)) i++;
  starts[i].word = word;
  starts[i].mask = mask;
  added->next = first_with[i];
  first_with[i] = added;
  if (i == start_count) start_count++;
}

static void read_prefixes(const char *list) {
  if (!list || strlen(list) >= sizeof skipped) return;
  strcpy(skipped, list);
  for (char *at = skipped; *at && prefix_count < MOST_PREFIXES;) {
    char *end = strchr(at, ':');
    if (end) *end = 0;
    if (*at == '/') add_prefix(at);
    if (!end) break;
    at = end + 1;
  }
}

static void read_keep(const char *told) {
  char *folder = NULL;
  if (!told) return;
  keep_older = strtoll(told, &folder, 10);
  if (*folder == ' ' && folder[1] == '/' && strlen(folder) < sizeof keep_folder)
    strcpy(keep_folder, folder + 1);
}

__attribute__((constructor)) static void begin_process(void) {
  const char *path = getenv("MLOPS_TRACE"), *limit = getenv("MLOPS_TRACE_LIMIT");
  if (active || !path || *path != '/' || strlen(path) >= sizeof log_path) return;
  strcpy(log_path, path);
  if (limit) log_limit = strtol(limit, NULL, 10);
  read_prefixes(getenv("MLOPS_TRACE_SKIP"));
  read_keep(getenv("MLOPS_TRACE_KEEP"));
  own_pid = PID;
  active = 1;
  long end_of_log;
  if (usable_log(&end_of_log) < 0) return;
  char head[120], exe[PATH], command[1024];
  long fd = ask(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC, 0);
  long length = fd < 0 ? 0 : ask(SYS_read, fd, command, sizeof command, 0);
  if (fd >= 0) ask(SYS_close, fd, 0, 0, 0);
  if (length < 0) length = 0;
  for (long i = 0; i < length; i++)
    if (!command[i]) command[i] = SEPARATOR;
  long exe_length = ask(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", exe, sizeof exe);
  if (exe_length < 0) exe_length = 0;
  char *end = begin(head, 'P', own_pid);
  end = number(number(end, ask(SYS_getppid, 0, 0, 0, 0)), exe_length);
  struct iovec parts[4] = {part(head, end - head), part(exe, exe_length), part(command, length)};
  append(parts, 3);
  if (__register_atfork) __register_atfork(NULL, NULL, forked, NULL);
}
