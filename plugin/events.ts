import type { Server } from '@hapi/hapi';
import type { JobName, SweepReport } from '../jobs/jobs';
import type { EndReason } from './store/grants';
import { within } from './within';

/**
 * What happens, for the host to log or act on: `server.events.on('oauth', (event) => …)`. Events carry ids, never a
 * token, a code, a secret or a hash of one. `oauth_client_id` is a client's `id`, `client_id` what it calls itself.
 */
export type OAuthEvent =
    | {
          type: 'token_issued';
          grant_type: string;
          account_id: string;
          oauth_client_id: string;
          client_id: string;
          scope: string;
          grant_id: string;
      }
    | {
          type: 'refresh_token_reused' | 'refresh_token_lost';
          account_id: string;
          oauth_client_id: string;
          grant_id: string;
      }
    | {
          type: 'grant_revoked';
          reason: EndReason;
          account_id: string;
          oauth_client_id: string;
          grant_id: string;
      }
    | {
          /** All grants of an account, of a client, or of both, by an administrator. */
          type: 'grants_revoked';
          reason: EndReason;
          /** How many. */
          count: number;
          account_id?: string;
          oauth_client_id?: string;
      }
    | {
          type:
              | 'client_created'
              | 'client_updated'
              | 'client_deleted'
              | 'client_secret_rotated'
              | 'client_suspended'
              | 'client_reactivated'
              | 'client_verified'
              | 'client_unverified';
          /** Who did it. Absent where the document of a client says something else by now, so that it is verified no longer. */
          account_id?: string;
          oauth_client_id: string;
          client_id: string;
      }
    | {
          /** A client registered itself, is known by its document, or its document has changed. */
          type: 'client_registered' | 'client_discovered' | 'client_metadata_changed';
          oauth_client_id: string;
          client_id: string;
      }
    | {
          type: 'device_authorization_requested';
          device_authorization_id: string;
          oauth_client_id: string;
          client_id: string;
      }
    | {
          type: 'device_authorization_approved' | 'device_authorization_denied';
          device_authorization_id: string;
          account_id: string;
          oauth_client_id: string;
          client_id: string;
      }
    | {
          type: 'authorization_approved' | 'authorization_denied';
          authorization_request_id: string;
          account_id: string;
          oauth_client_id: string;
          client_id: string;
      }
    | {
          type: 'access_key_created' | 'access_key_deleted';
          access_key_id: string;
          /** Whose key it is. */
          account_id: string;
          /** Who did it: the owner, or an administrator. */
          actor_account_id: string;
      }
    | {
          /** Of `jobs: 'in-process'`. */
          type: 'sweep_completed';
          job: JobName;
          duration_ms: number;
          counts: SweepReport['counts'];
      }
    | { type: 'sweep_failed'; job: JobName };

/** An event and when it happened, RFC 3339. */
export type TimedOAuthEvent = OAuthEvent & { at: string };

export type EmitEvent = (event: OAuthEvent) => void;

/** How long a stopping server waits for its listeners, milliseconds. */
const STOP_TIMEOUT = 5000;

/**
 * Makes `server.events` know the name `oauth`. A listener that fails is logged: the request is not its business. A
 * server that stops waits for the listeners that are at work, at most five seconds.
 */
export function eventEmitter(server: Server, clock: () => number): EmitEvent {
    server.event({ name: 'oauth' });
    const working = new Set<Promise<void>>();
    server.ext('onPostStop', async () => {
        await within(STOP_TIMEOUT, allDone(working));
    });
    return (event) => {
        const timed: TimedOAuthEvent = { ...event, at: new Date(clock()).toISOString() };
        // Unlike `emit`, this calls every listener, whatever an earlier one throws, and sees what is rejected later.
        const listeners = server.events.gauge('oauth', timed).then((results) => {
            working.delete(listeners);
            for (const result of results) {
                if (result.status === 'rejected') {
                    server.log(['oauth', 'event', 'error'], result.reason as Error);
                }
            }
        });
        working.add(listeners);
    };
}

/** Also of what is added meanwhile. */
async function allDone(working: ReadonlySet<Promise<void>>): Promise<void> {
    while (working.size > 0) {
        await Promise.all(working);
    }
}
