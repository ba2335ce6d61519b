// Package notify tells people and programs that an import has ended: by the bell of
// the web interface, by mail, and by webhooks.
//
// The Notifier follows the imports list. When an import has reached its final state
// there, one transaction writes what is to be told (ledger.notifications, the outbox),
// to whom (ledger.deliveries), and a job of the queue for each of them, and moves the
// position that says how far it has come (ledger.notified). So an import is noticed
// once, whatever crashes, and no rebuild of the imports list, which repeats what it
// says, is ever noticed again. The queue, River in schema queue, works the jobs off and
// tries again for three days; ledger.delivery_attempts has what came of it.
//
// These tables are this package's own. What a request or a page looks like does not
// live here.
package notify
