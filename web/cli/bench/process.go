package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// process is a child of this one that answers lines of JSON with lines of JSON.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

// startProcess starts this very program with those arguments.
func startProcess(program string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(program, args...)}
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = json.NewDecoder(out)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", strings.Join(args, " "), err)
	}
	return p, nil
}

// ask sends a request and waits for its answer.
func (p *process) ask(request, answer any) error {
	if err := json.NewEncoder(p.in).Encode(request); err != nil {
		return err
	}
	return p.out.Decode(answer)
}

// stop ends the process by ending its input, which it takes for the end of its work.
func (p *process) stop() error {
	p.in.Close()
	return p.cmd.Wait()
}

// ticks is how many of the units in /proc/PID/stat make a second: USER_HZ, which is 100 on every Linux.
const ticks = 100

// cpuSeconds returns the processor time that a process has used, user and system; 0 where that cannot be read.
func cpuSeconds(pid string) float64 {
	text, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return 0
	}
	// The name in parentheses may hold spaces.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, errUser := strconv.Atoi(fields[11])
	system, errSystem := strconv.Atoi(fields[12])
	if errUser != nil || errSystem != nil {
		return 0
	}
	return float64(user+system) / ticks
}

// residentMB returns a line of /proc/PID/status that counts memory: VmRSS is what is held now, VmHWM the most that was;
// 0 where that cannot be read.
func residentMB(pid, line string) float64 {
	text, err := os.ReadFile(filepath.Join("/proc", pid, "status"))
	if err != nil {
		return 0
	}
	for l := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(l, line+":"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
			if err != nil {
				return 0
			}
			return kb / 1024
		}
	}
	return 0
}
