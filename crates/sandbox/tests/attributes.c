// Tries to change the attributes of the file that it is given, in every way there is; prints each that worked.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

#define WORKED(call) do { if ((call) == 0) printf("%s\n", #call); } while (0)

int main(int count, char **words)
{
    const char *path = words[1];
    mode_t mode = count > 2 ? 0640 : 0;
    char through[64], folder[PATH_MAX];
    int file = open(path, O_RDONLY), place = open(path, O_PATH);
    struct timespec times[2] = {{1, 0}, {1, 0}};
    struct timeval older[2] = {{1, 0}, {1, 0}};
    unsigned long flags = 0x10;
    unsigned int extended[7] = {8};
    struct { void *value; unsigned size, flags; } attribute = {"x", 1, 0};
    unsigned char changed[24] = {8};

    strcpy(folder, path);
    char *name = strrchr(folder, '/') + 1;
    name[-1] = 0;
    int above = open(folder, O_PATH | O_DIRECTORY);
    snprintf(through, sizeof through, "/proc/self/fd/%d", file);
    unlink("link");
    (void)!symlink(path, "link");

    WORKED(syscall(SYS_fchmod, file, mode));
    WORKED(syscall(SYS_fchmodat, AT_FDCWD, path, mode));
    WORKED(syscall(SYS_fchmodat, above, name, mode));
    WORKED(syscall(SYS_fchmodat, AT_FDCWD, "link", mode));
    WORKED(syscall(SYS_fchmodat, AT_FDCWD, through, mode));
    WORKED(syscall(452, AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW));
    WORKED(syscall(452, file, "", mode, AT_EMPTY_PATH));
    WORKED(syscall(452, place, "", mode, AT_EMPTY_PATH));
    WORKED(syscall(SYS_fchmod, above, mode));
    WORKED(syscall(SYS_utimensat, AT_FDCWD, path, times, 0));
    WORKED(syscall(SYS_utimensat, file, NULL, times, 0));
    WORKED(syscall(SYS_utimensat, place, "", times, AT_EMPTY_PATH));
    WORKED(syscall(SYS_utimensat, AT_FDCWD, "link", NULL, 0));
    WORKED(syscall(SYS_fchown, file, getuid(), getgid()));
    WORKED(syscall(SYS_fchownat, AT_FDCWD, path, getuid(), getgid(), 0));
#ifdef SYS_chmod
    WORKED(syscall(SYS_chmod, path, mode));
    WORKED(syscall(SYS_chown, path, getuid(), getgid()));
    WORKED(syscall(SYS_lchown, path, getuid(), getgid()));
    WORKED(syscall(SYS_utime, path, NULL));
    WORKED(syscall(SYS_utimes, path, older));
    WORKED(syscall(SYS_futimesat, AT_FDCWD, path, older));
#endif
    WORKED(setxattr(path, "user.osmem", "x", 1, 0));
    WORKED(lsetxattr(path, "user.osmem", "x", 1, 0));
    WORKED(fsetxattr(file, "user.osmem", "x", 1, 0));
    WORKED(removexattr(path, "user.kept"));
    WORKED(fremovexattr(file, "user.kept"));
    WORKED(syscall(463, AT_FDCWD, path, 0, "user.osmem", &attribute, sizeof attribute));
    WORKED(syscall(466, AT_FDCWD, path, 0, "user.kept"));
    WORKED(syscall(469, AT_FDCWD, path, changed, sizeof changed, 0));
    WORKED(ioctl(file, 0x40086602, &flags));
    WORKED(ioctl(file, 0x40046602, &flags));
    WORKED(ioctl(file, 0x401c5820, extended));
    WORKED(fcntl(file, F_SETLEASE, F_RDLCK));
    WORKED(fcntl(file, F_SETLEASE, F_WRLCK));
    WORKED(fcntl(above, F_NOTIFY, 1));
    WORKED(syscall(SYS_fchmod, 1, mode));
    int two[2];
    WORKED(socketpair(AF_UNIX, SOCK_DGRAM, 0, two));
    WORKED(syscall(600));
    (void)older;
    return 0;
}
