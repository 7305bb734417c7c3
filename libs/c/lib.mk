# SPDX-License-Identifier: MIT
# A C library for code that was written for one (docs/porting.md): picolibc as it comes (fetched by setup.sh, never changed),
# over what this folder has of an operating system. memcpy and what else libs/base has are that one's.
#
# APP_NAME_LIBS := c, and C_CFLAGS for the objects that include its headers.
PICOLIBC := third_party/picolibc/newlib
C_CFLAGS := -nostdinc -isystem libs/c/include -isystem $(PICOLIBC)/libc/tinystdio -isystem $(PICOLIBC)/libc/include \
	-isystem $(PICOLIBC)/libc/machine/riscv -isystem $(shell $(CC) -print-file-name=include 2>/dev/null) -D__TM_GMTOFF=tm_gmtoff

C_CTYPE := $(patsubst %,%.c,ctype_ ctype_table isalnum isalpha isascii isblank iscntrl isdigit isgraph islower isprint ispunct isspace isupper \
	isxdigit toascii tolower toupper)
C_STRING := $(patsubst %,%.c,bcmp bzero explicit_bzero ffsl ffsll fls flsl flsll memccpy memmem mempcpy memrchr rawmemchr \
	stpcpy stpncpy strcasecmp strcasestr strcat strchrnul strcoll strcpy strcspn strdup strerror strerror_r strlcat strlcpy \
	strncasecmp strncat strncpy strndup strnstr strpbrk strrchr strsep strspn strstr strtok strtok_r strverscmp strxfrm)
C_STDLIB := $(patsubst %,%.c,abs atof atoi atol atoll div drand48 environ erand48 getenv getenv_r getopt imaxabs imaxdiv labs ldiv llabs \
	lldiv lrand48 nrand48 rand rand48 rand_r random reallocarray seed48 srand srand48 srandom)
C_SEARCH := $(patsubst %,%.c,bsearch qsort qsort_r tdelete tdestroy tfind tsearch twalk)
C_TIME := $(patsubst %,%.c,asctime asctime_r ctime ctime_r difftime gettzinfo gmtime gmtime_r lcltime lcltime_buf lcltime_r mktime \
	month_lengths strftime time tzcalc_limits tzset tzvars)
C_STDIO := $(patsubst %,%.c,asprintf clearerr dtoa_ryu dtox_engine atod_ryu atof_ryu fclose feof ferror fflush fgetc fgets filestrget filestrput \
	filestrputalloc fprintf fputc fputs fread fscanf fwrite matchcaseprefix perror printf putchar puts ryu_divpow2 ryu_log10 \
	ryu_log2pow5 ryu_pow5bits ryu_table ryu_umul128 snprintf sprintf sscanf strtod strtof strtoimax strtol strtoll strtoul strtoull \
	strtoumax ungetc vasprintf vfprintf vfscanf vprintf vsnprintf vsprintf vsscanf)
C_MATH := $(patsubst %,%.c,k_cos k_rem_pio2 k_sin k_tan s_acos s_acosh s_asin s_asinh s_atan s_atan2 s_atanh s_ceil s_cos s_cosh \
	s_erf s_exp s_exp2 s_floor s_fmod s_frexp s_hypot s_lgamma s_log s_log10 s_pow s_rem_pio2 s_remainder s_sin s_sincos s_sinh \
	s_tan s_tanh s_tgamma sr_lgamma)
C_MATH_COMMON := $(patsubst %,%.c,exp_data log_data log2_data pow_log_data math_err_check_oflow math_err_check_uflow math_err_divzero \
	math_err_invalid math_err_may_uflow math_err_oflow math_err_uflow math_err_with_errno math_denorm math_inexact s_cbrt \
	s_expm1 s_fdim s_issignaling signgam s_ilogb s_log1p s_log2 s_logb s_modf s_nan s_nearbyint s_nextafter s_remquo s_rint s_round s_scalbln \
	s_scalbn s_signbit s_trunc)
C_MATH_MACHINE := $(patsubst %,%.c,s_copysign s_fabs s_finite s_fma s_fmax s_fmin s_fpclassify s_isinf s_isnan s_llrint s_llround s_lrint \
	s_lround s_sqrt sf_fabs sf_sqrt)

LIB_c_SRCS += $(addprefix $(PICOLIBC)/libc/ctype/,$(C_CTYPE)) $(addprefix $(PICOLIBC)/libc/string/,$(C_STRING)) \
	$(addprefix $(PICOLIBC)/libc/stdlib/,$(C_STDLIB)) $(addprefix $(PICOLIBC)/libc/search/,$(C_SEARCH)) \
	$(addprefix $(PICOLIBC)/libc/time/,$(C_TIME)) $(addprefix $(PICOLIBC)/libc/tinystdio/,$(C_STDIO)) $(PICOLIBC)/libc/errno/errno.c \
	$(PICOLIBC)/libc/locale/timedata.c \
	$(addprefix $(PICOLIBC)/libm/math/,$(C_MATH)) $(addprefix $(PICOLIBC)/libm/common/,$(C_MATH_COMMON)) \
	$(addprefix $(PICOLIBC)/libm/machine/riscv/,$(C_MATH_MACHINE)) $(PICOLIBC)/libm/fenv/fenv.c \
	$(PICOLIBC)/libc/machine/riscv/setjmp.S
# Its own functions are not to be made of themselves.
$(BUILD)/obj/third_party/picolibc/%.o: EXTRA_CFLAGS += $(C_CFLAGS) -I$(PICOLIBC)/libm/common -I$(PICOLIBC)/libc/stdlib -I$(PICOLIBC)/libc/time \
	-I$(PICOLIBC)/libc/locale -I$(PICOLIBC)/libc/ctype -D_LIBC -fno-builtin
$(BUILD)/obj/libs/c/%.o: EXTRA_CFLAGS += $(C_CFLAGS)
