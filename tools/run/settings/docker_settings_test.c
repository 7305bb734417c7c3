// SPDX-License-Identifier: MIT
// Flags of `docker run`: those that work, those that say what is so anyway, and those that are
// refused.
#include "tools/run/settings/settings_test.h"

// Flags of docker's that say what is so anyway, and those that work.
static void test_docker_flags(void **state)
{
	(void)state;
	assert_int_equal(READ("--rm=true", "-it=false", "--platform=linux/riscv64", "--pull=always",
	                      "--init", "--restart=no", "--net=bridge", "--security-opt",
	                      "seccomp=unconfined", "-l", "a=b", "-d=false", "--privileged=0",
	                      "--ipc", "private", "--memory-swap", "-1", "alpine"),
	                 0);
	assert_string_equal(settings.image, "docker://alpine");
	assert_false(settings.terminal || settings.quiet || settings.no_network);
	assert_int_equal(settings.attached, ATTACH_ALL);
	assert_int_equal(READ("-q", "--name=web.1", "--cidfile", "/tmp/no such file", "--network",
	                      "none", "-a", "STDOUT"),
	                 0);
	assert_true(settings.quiet && settings.no_network);
	assert_string_equal(settings.name, "web.1");
	assert_string_equal(settings.cidfile, "/tmp/no such file");
	assert_int_equal(settings.attached, ATTACH_STDOUT);
	assert_int_equal(READ("--security-opt=no-new-privileges", "--pids-limit=7",
	                      "--oom-score-adj=-5", "--domainname=x.y", "--annotation", "a=b=c",
	                      "-h", "my_box.", "--pids-limit", "100"),
	                 0);
	assert_true(passes_on("--no-new-privileges") && passes_on("--pids-limit=100") &&
	            passes_on("--oom-score-adj=-5"));
	assert_true(passes_on("--domainname=x.y") && passes_on("--annotation=a=b=c") &&
	            passes_on("--hostname=my_box."));
	assert_int_equal(READ("--security-opt=no-new-privileges=false"), 0);
	assert_false(passes_on("--no-new-privileges"));
	assert_int_equal(
		READ("--cap-drop", "all", "--cap-add=net_bind_service", "--cap-add", "CAP_KILL"),
		0);
	assert_true(passes_on("--capabilities=CAP_KILL,CAP_NET_BIND_SERVICE"));
	assert_int_equal(READ("--cap-drop=ALL", "--cap-drop=KILL", "--cap-add=KILL"), 0);
	assert_true(passes_on("--capabilities=CAP_KILL"));
	assert_int_equal(READ("--cap-drop=ALL", "--cap-drop=SYS_ADMIN"), 0);
	assert_true(passes_on("--capabilities="));
	assert_int_equal(READ("--tmpfs", "/a=b:size=1m", "-v", "/h:/a=b/c:ro", "--shm-size=1g"), 0);
	assert_true(passes_on("--mount=tmpfs:noexec,nosuid,nodev,size=1m/a=b") &&
	            passes_on("--mount=share:0:ro/a=b/c") &&
	            passes_on("--annotation=dev.starina.shm_size=1073741824"));
	assert_int_equal(READ("-v", "data:/d:ro", "-v", "/h:/a", "--tmpfs", "/b", "-v",
	                      "cache:/c:ro,nocopy"),
	                 0);
	assert_true(passes_on("--mount=share:0/a") && passes_on("--mount=share:1:ro/c") &&
	            passes_on("--mount=share:2:ro:copy/d"));
	assert_true(passes_on("--annotation=dev.starina.shares=host/0 ro/cache fill/data"));
	assert_int_equal(READ("--shm-size=0", "x"), 0);
	assert_false(passes_on("--annotation=dev.starina.shm_size=0"));
	assert_int_equal(READ("--init", "x"), 0);
	assert_true(passes_on("--annotation=dev.starina.init=1"));
	assert_int_equal(READ("--init=false", "x"), 0);
	assert_false(passes_on("--annotation=dev.starina.init=1"));
	assert_int_equal(READ("--ulimit=nofile=1:2", "--ulimit", "core=0", "--ulimit", "stack=-1"),
	                 0);
	assert_true(passes_on("--ulimit=nofile=1:2") && passes_on("--ulimit=core=0:0") &&
	            passes_on("--ulimit=stack=-1:-1"));
	assert_int_equal(READ("--user=", "--entrypoint=", "--name", "", "alpine"), 0);
	assert_true(passes_on("--entrypoint-word="));
	assert_false(passes_on("--user="));
	assert_null(settings.name);
	assert_int_equal(READ("--dns=9.9.9.9", "--dns-search=a.b", "--dns-option=ndots:3",
	                      "--add-host=me:host-gateway", "--add-host", "six=[::1]"),
	                 0);
	assert_true(passes_on(
		"--annotation=dev.starina.file:/etc/resolv.conf=nameserver 9.9.9.9\nsearch a.b\noptions ndots:3\n"));
	assert_true(passes_on("--annotation=dev.starina.hosts=10.0.2.2\tme\n::1\tsix\n"));
}

static void test_bad_flags(void **state)
{
	(void)state;
	assert_refused(READ("--nope"), "--nope|--help");
	assert_refused(READ("--mem", "1G"), "--mem");
	assert_refused(READ("-itz"), "-itz");
	assert_refused(READ("-e"), "-e|value");
	assert_refused(READ("--memory"), "--memory|value");
	assert_refused(READ("--gdb=maybe"), "--gdb=maybe|true or false");
	assert_refused(READ("--memroy", "1g"), "--memroy is unknown|did you mean --memory?");
	assert_refused(READ("-dit", "alpine"), "--detach|&");
	assert_refused(READ("-m", "0.01g"), "--memory 0.01g|32M");
	assert_refused(READ("--ulimit", "nofile"), "--ulimit nofile|NAME=SOFT[:HARD]");
	assert_refused(READ("--ulimit", "files=1"), "--ulimit files=1|nofile=1024");
	assert_refused(READ("--ulimit", "nofile=2:1"), "--ulimit nofile=2:1|above");
	assert_refused(READ("--ulimit", "nofile=-1:1"), "--ulimit nofile=-1:1|above");
	assert_refused(READ("--ulimit", "nofile=1:"), "--ulimit nofile=1:");
	assert_refused(READ("--ulimit", "nofile=99999999999999999999"), "--ulimit nofile=999");
	assert_refused(READ("--memory-swap", "lots"), "--memory-swap=lots|a size");
	assert_refused(READ("-m", "-1"), "--memory -1|32M");
	assert_refused(READ("--cpus", "x"), "--cpus=x|a number");
	assert_refused(READ("--cpu-quota", "500000"), "--cpu-quota 500000|0.01 to 4 CPUs");
	assert_refused(READ("--cpu-quota", "50000", "--cpus=1"), "--cpu-quota 50000|--cpus");
	assert_refused(READ("--pids-limit", "many"), "--pids-limit=many|a number");
	assert_refused(READ("--health-timeout", "soon"), "--health-timeout=soon|a time");
	assert_refused(READ("--platform", "linux/amd64"), "--platform linux/amd64|linux/riscv64");
	assert_refused(READ("--net=host", "alpine"), "--net host|bridge|10.0.2.2");
	assert_refused(READ("--restart", "always"), "--restart always is not possible here|once");
	assert_refused(READ("--pull=never"), "--pull never is not possible here");
	assert_refused(READ("--security-opt", "seccomp=x.json"), "--security-opt seccomp=x.json");
	assert_refused(READ("--name", "a b"), "--name a b|letters");
	assert_refused(READ("--cidfile", "/"), "--cidfile /|the file is there");
	assert_refused(READ("-a", "stdlog"), "--attach stdlog|stderr");
	assert_refused(READ("--dns", "dns.example"), "--dns dns.example|address");
	assert_refused(READ("--add-host", "db"), "--add-host db|NAME:ADDRESS");
	assert_refused(READ("--annotation", "x"), "--annotation x|KEY=VALUE");
	assert_refused(READ("--domainname", "a b"), "--domainname a b|letters");
	assert_refused(READ("--oom-score-adj", "2000"), "--oom-score-adj 2000|1000");
	assert_refused(READ("--sig-proxy=false"), "--sig-proxy is not possible here");
	assert_refused(READ("--memory", "4M"), "--memory 4M|32M");
	assert_refused(READ("-m4M"), "--memory 4M|32M");
	assert_refused(READ("--smp", "0"), "--smp 0|1 to 16");
	assert_refused(READ("--volumes-from", "db"), "--volumes-from|no other container");
	assert_refused(READ("-v", "d!:/b"), "--volume|invalid characters|use absolute path");
	assert_refused(READ("-v", "/a:b"), "--volume|'b' mount path must be absolute");
	assert_refused(READ("--mount", "type=tmpfs,dst=x"), "--mount|type \"tmpfs\"|absolute");
	assert_refused(READ("--tmpfs", "/x:size"), "--tmpfs|Invalid tmpfs option [\"size\"]");
	assert_refused(READ("--shm-size", "-1"), "--shm-size -1|SHM size can not be less than 0");
	assert_refused(READ("--shm-size", "big"), "--shm-size=big|a size");
	assert_refused(READ("-d"), "--detach|&");
	assert_refused(READ("--cap-drop", "NETRAW"), "--cap-drop NETRAW|no such capability");
	assert_refused(READ("--cap-add", "ALL"), "--cap-add ALL|default");
	assert_refused(READ("--cap-drop", "ALL", "--cap-add=SYS_ADMIN"),
	               "--cap-add SYS_ADMIN|default");
	assert_refused(READ("-P", "alpine"), "--publish");
	assert_refused(READ("--env", "=1"), "--env|\"=1\"");
}

static int teardown(void **state)
{
	(void)state;
	settings_deinit(&settings);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docker_flags),
		cmocka_unit_test(test_bad_flags),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
