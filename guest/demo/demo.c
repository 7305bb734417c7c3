// SPDX-License-Identifier: MIT
//
// The program in the built-in container image: what a first ./run.sh shows.
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

int main(void)
{
	struct utsname name;

	if (uname(&name) < 0)
		return 1;
	printf("\n"
	       "Hello from a Linux container on Starina!\n"
	       "\n"
	       "This message shows that everything works. To print it:\n"
	       " 1. the build packed this static program into a container image,\n"
	       " 2. the Starina kernel started its apps and wired them through channels,\n"
	       " 3. the app linuxrun made a virtual machine and booted %s %s (%s) in it,\n"
	       " 4. that Linux mounted the image and ran this program as process %d.\n"
	       "\n"
	       "Run an image of your own:\n"
	       "  LINUXRUN_IMAGE=docker://hello-world ./run.sh\n"
	       "\n",
	       name.sysname, name.release, name.machine, (int)getpid());
	return 0;
}
