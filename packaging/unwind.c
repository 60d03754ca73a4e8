/* What Debian's libunwind.a, built for glibc, asks for and musl does not have. */
#include <stdarg.h>
#include <stdio.h>

int __fprintf_chk(FILE *stream, int flag, const char *format, ...)
{
    va_list words;
    int written;

    (void)flag;
    va_start(words, format);
    written = vfprintf(stream, format, words);
    va_end(words);
    return written;
}
