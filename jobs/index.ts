// `hapi-forum-oauth/worker`.
export { startWorker, type MaintenanceWorker, type WorkerOptions } from './worker';
