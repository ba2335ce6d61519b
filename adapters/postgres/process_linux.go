package postgres

import "syscall"

// endWithParent has the system tell the server to shut down when this process
// ends in a way that lets it do nothing any more. Go sets it after the user,
// whose change would clear it.
func endWithParent(attr *syscall.SysProcAttr, signal syscall.Signal) {
	attr.Pdeathsig = signal
}
