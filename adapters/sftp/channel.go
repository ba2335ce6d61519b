package sftp

import (
	"errors"
	"io"
	"sync"

	pkgsftp "github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// channels serves what a client opens: sessions that ask for the subsystem sftp.
func (s *Server) channels(c *connection, channels <-chan ssh.NewChannel, folder Folder) {
	var open sync.WaitGroup
	defer open.Wait()
	defer c.cancel()
	seats := make(chan struct{}, maxChannels)
	for asked := range channels {
		if asked.ChannelType() != "session" {
			_ = asked.Reject(ssh.Prohibited, "only SFTP is served here") // a client that is gone needs no answer
			continue
		}
		select {
		case seats <- struct{}{}:
		default:
			_ = asked.Reject(ssh.ResourceShortage, "too many channels are open")
			continue
		}
		channel, requests, err := asked.Accept()
		if err != nil {
			return
		}
		open.Go(func() {
			defer func() { <-seats }()
			s.session(c, channel, requests, folder)
		})
	}
}

// session waits for the one request that is served. Whatever else is asked for
// (shell, exec, env, pty, forwarding of agents or X11) is refused.
func (s *Server) session(c *connection, channel ssh.Channel, requests <-chan *ssh.Request, folder Folder) {
	var serving sync.WaitGroup
	defer serving.Wait()
	defer func() { _ = channel.Close() }() // the client is mostly gone
	begun := false
	for request := range requests {
		ok := request.Type == "subsystem" && !begun && subsystem(request.Payload) == "sftp"
		if request.WantReply {
			if err := request.Reply(ok, nil); err != nil {
				return
			}
		}
		if ok {
			begun = true
			serving.Go(func() { s.files(c, channel, folder) })
		}
	}
}

func subsystem(payload []byte) string {
	var asked struct{ Name string }
	if ssh.Unmarshal(payload, &asked) != nil {
		return ""
	}
	return asked.Name
}

// files serves SFTP until the client closes the channel.
func (s *Server) files(c *connection, channel ssh.Channel, folder Folder) {
	h := &handlers{ctx: c.ctx, folder: folder, log: s.cfg.Logger}
	server := pkgsftp.NewRequestServer(channel, pkgsftp.Handlers{FileGet: h, FilePut: h, FileCmd: h, FileList: h})
	err := server.Serve()
	status := struct{ Status uint32 }{}
	if err != nil && !errors.Is(err, io.EOF) {
		status.Status = 1
	}
	// The client may be gone, and then needs no status.
	_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(status))
	_ = channel.Close()
}
