package scenarios_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// difference is where gorun does not do what pm2-runtime does, and the test
// that shows what it does. The table in docs/from-pm2.md is made from these.
type difference struct {
	what, pm2, gorun, why string
	shown                 string // a test of this repository
	short                 bool   // in README, too
}

var differences = [...]difference{
	{"a mistake in the file", "starts nothing, exits 0", "tells every mistake with its line, exits 2", "a release that cannot start must fail where it is seen", "TestBadInputEndsWith2BeforeAnythingStarts", true},
	{"an unknown key", "is ignored", "a warning with what was meant; `--strict`: a mistake", "a typo is a setting that silently does not act", "TestAnUnknownKeyIsAWarningAndWithStrictAMistake", false},
	{"units", "in two keys", "in every duration and size; also numbers as text", "`kill_timeout: 5s` is what people write", "TestEveryKeyWorksUnderEveryName", false},
	{"`max_restarts: 0`, `kill_timeout: 0`", "taken as not given", "count", "zero is a value", "TestEveryKeyWorksUnderEveryName", false},
	{"a variable removed from the file", "stays in the workers", "is gone at the next reload", "the file says what runs", "TestAReloadEvaluatesTheFileAnew", false},
	{"`os.cpus().length` in the file", "the host's processors", "those that the container may use", "48 workers on two processors help nobody", "TestLoadEvaluatesJavaScript", false},
	{"`instances: max`", "one for each processor of the host", "the container's quota, rounded up, and its affinity", "the same", "TestMaxInstancesAreTheProcessorsOfTheContainer", true},
	{"`exec_mode: cluster`", "scripts that node runs", "any program, also behind `npm start`", "the kernel can spread connections for all of them", "TestEveryRuntimeSharesOnePort", true},
	{"two apps in cluster mode on one port", "share it: a request reaches either", "a mistake where the file has the port, else the log names the other app", "one app must not answer for another", "TestL34TwoAppsOnOnePortAreAMistake", false},
	{"instances start", "one after the other", "as many at a time as there are processors", "eight workers of one second take two, not eight", "TestInstancesStartInParallel", false},
	{"a worker is online", "as soon as it runs, or when `listen_timeout` is over", "when it listens, says `ready`, or its health check succeeds", "connections must not go to who cannot answer", "TestAWorkerIsOnlineWhenItListens", false},
	{"`wait_ready` and no `ready`", "declared online", "failed to start", "a release that never became ready is not one", "TestAWorkerThatNeverSaysThatItIsReadyMisbehaves", false},
	{"a crash loop", "restarts for ever, without a delay", "growing delays wherever runs fail within 30 s, `errored` after `max_restarts`", "a loop costs the others their processor, and hides", "TestACrashLoopGivesUpAfterMaxRestarts", true},
	{"death by a signal and `stop_exit_codes: 0`", "counts as 0", "matches no code", "a killed worker has not finished", "TestAStopCodeCountsOnlyWhereTheWorkerEndedByItself", false},
	{"all apps have ended well", "exits 2 after 12 s", "exits 0 at once", "a job is done when it is done", "TestJobsThatAllEndedWellEndWith0AtOnce", true},
	{"all have ended, one failed", "exits 2", "exits with that app's code", "whoever runs the container is to know why", "TestTheFirstFailureOfAllIsTheCode", true},
	{"a second SIGTERM", "another SIGINT to the apps", "SIGKILL, exit 137", "two requests mean now", "TestASecondTermKillsAtOnceAndEndsWith137", false},
	{"`kill_timeout`", "1.6 s", "8 s", "Docker gives 10 s, Kubernetes 30", "TestEveryKeyWorksUnderEveryName", true},
	{"the stop signal", "SIGINT for all", "SIGINT for Node, SIGTERM for others; `stop_signal`", "few programs but Node's expect SIGINT", "TestStopSignalDependsOnTheInterpreter", true},
	{"ending a tree", "by `ps`, without what was daemonised", "by /proc, with it", "slim images have no `ps`", "TestADaemonisedGrandchildIsWaitedForWithinTheGrace", false},
	{"`max_memory_restart`", "the main process, every 30 s", "the whole tree, every second; without a gap in cluster mode, ever more rarely where the limit is too low", "what `npm start` runs is not npm", "TestAWorkerThatOutgrowsItsMemoryIsRestarted", true},
	{"a reload whose new worker does not get ready", "kills the old one, prints success", "keeps it, exits 1", "a broken release never replaces a working one", "TestABadReleaseChangesNothing", true},
	{"a reload of the file", "leaves `script`, `exec_mode`, `instances` and gone apps as they were", "applies everything", "the file says what runs", "TestARevisionAddsRemovesAndReloads", false},
	{"`cron_restart`, `watch`", "stops, then starts", "no gap in cluster mode", "nothing needs one", "TestNoRequestIsLostWhenWorkersChange", true},
	{"a job of `cron_restart` that waits for its time", "`stopped`", "`waiting for 17:23`, with its last run; no gate of readiness, nor the end of gorun", "it is neither down nor dead", "TestL26AFailedJobWaitsForItsSchedule", false},
	{"an errored worker", "stays dead", "is tried again after `errored_retry`, 5 min", "one of three dead for ever is nobody's wish", "TestL24OneErroredWorkerOfThreeIsTriedAgain", false},
	{"log files", "always, under `~/.pm2`", "only if set", "the container's output is the log, and disks may be read-only", "TestEverythingWorksInTheHardestContainer", true},
	{"what a worker writes before `process.exit()`", "899 of 3,000 lines arrive", "all of them: workers have pipes", "the last words are the ones that matter", "TestThreeThousandLinesBeforeProcessExitArrive", false},
	{"an app that somebody stopped", "ends the container", "gorun runs on; `gorun start` brings it back", "a stop is no failure", "TestAStoppedAppDoesNotEndGorun", true},
	{"`pm2 list` of `npm start`", "0 %, npm's memory", "CPU and memory of the whole tree", "npm does not do the work", "TestAnAppAddsUpItsWorkers", false},
}

func TestDocsListEveryDifferenceFromPm2(t *testing.T) {
	var table, short strings.Builder
	table.WriteString("| | pm2-runtime 7 | gorun | why |\n|---|---|---|---|\n")
	short.WriteString("| | pm2-runtime 7 | gorun |\n|---|---|---|\n")
	for _, d := range differences {
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", d.what, d.pm2, d.gorun, d.why)
		if d.short {
			fmt.Fprintf(&short, "| %s | %s | %s |\n", d.what, d.pm2, d.gorun)
		}
	}
	wantInDocs(t, "from-pm2.md", "differences", table.String())
	wantInDocs(t, "../README.md", "differences", short.String())
}

// A table tells only what a test shows.
func TestEveryDifferenceFromPm2IsShown(t *testing.T) {
	found := map[string]bool{}
	test := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := os.ReadFile(path)
		for _, match := range test.FindAllSubmatch(content, -1) {
			found[string(match[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		if !found[d.shown] {
			t.Errorf("%s: there is no test %s", d.what, d.shown)
		}
	}
}
