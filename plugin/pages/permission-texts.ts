/** What a permission or a standard scope is called, and what it lets an application do. */
export interface PermissionText {
    /** A short phrase that starts with a verb, such as “Write posts”. */
    name: string;
    /** One sentence that explains it to a member. */
    sentence: string;
}

const entry = (name: string, sentence: string): PermissionText => ({ name, sentence });

/** The texts of the standard scopes and of `FORUM_PERMISSIONS`. */
export const PERMISSION_TEXTS: Record<string, PermissionText> = {
    openid: entry('Know who you are', 'Recognise your account when you come back.'),
    profile: entry('See your name', 'Read your name and your handle.'),
    email: entry('See your email address', 'Read your email address and whether it is confirmed.'),
    offline_access: entry('Stay connected', 'Go on acting for you while you are away, until you disconnect it.'),

    CREATE_POST: entry('Write posts', 'Start threads and reply in your name.'),
    READ_PUBLISHED_THREADS: entry('Read threads', 'Read the threads that you can read.'),
    CREATE_REACTION: entry('React', 'Add reactions to posts in your name.'),
    MANAGE_POSTS: entry('Manage posts', 'Edit, move and delete the posts of anybody.'),
    MANAGE_CATEGORIES: entry('Manage categories', 'Create, rename, reorder and delete categories.'),
    CREATE_INVITATION: entry('Invite people', 'Create invitations to the forum in your name.'),
    READ_PUBLISHED_LIBRARY: entry('Read the library', 'Read the published pages of the library.'),
    MANAGE_LIBRARY: entry('Manage the library', 'Create, edit, publish and delete pages of the library.'),
    SUBMIT_LIBRARY_NODE: entry('Suggest library pages', 'Submit new pages to the library for review.'),
    SUBMIT_LIBRARY_NODE_CHANGES: entry('Suggest library changes', 'Submit changes to library pages for review.'),
    UPLOAD_ASSET: entry('Upload files', 'Upload pictures and other files in your name.'),
    MANAGE_EVENTS: entry('Manage events', 'Create, change and cancel events.'),
    LIST_PROFILES: entry('List members', 'See the list of the members of the forum.'),
    READ_PROFILE: entry('Read profiles', 'Read the profiles of members.'),
    CREATE_COLLECTION: entry('Create collections', 'Create collections in your name.'),
    LIST_COLLECTIONS: entry('List collections', 'See which collections there are.'),
    READ_COLLECTION: entry('Read collections', 'Read what is in collections.'),
    MANAGE_COLLECTIONS: entry('Manage collections', 'Edit and delete the collections of anybody.'),
    COLLECTION_SUBMIT: entry('Add to collections', 'Submit posts and pages to collections.'),
    USE_PERSONAL_ACCESS_KEYS: entry('Use access keys', 'Create and use access keys to your account.'),
    USE_OAUTH_CLIENTS: entry('Connect applications', 'Allow further applications to act for you.'),
    MANAGE_SETTINGS: entry('Manage settings', 'Change the settings of the forum.'),
    MANAGE_ACCOUNTS: entry('Manage accounts', 'Change the accounts of other members.'),
    MANAGE_WARNINGS: entry('Manage warnings', 'Give members warnings and take them back.'),
    MANAGE_SUSPENSIONS: entry('Manage suspensions', 'Suspend members and let them back in.'),
    MANAGE_ROLES: entry('Manage roles', 'Change roles, and who may do what on the forum.'),
    MANAGE_REPORTS: entry('Manage reports', 'Read and handle what members have reported.'),
    VIEW_ACCOUNTS: entry('See accounts', 'See details of other members’ accounts that are not public.'),
    VIEW_MODERATION_NOTES: entry('Read moderation notes', 'Read the notes that moderators keep about members.'),
    MANAGE_MODERATION_NOTES: entry('Manage moderation notes', 'Write and delete notes about members.'),
    USE_ROBOTS: entry('Use robots', 'Run the forum’s robots in your name.'),
    MANAGE_ROBOTS: entry('Manage robots', 'Create, change and delete the forum’s robots.'),
    MANAGE_TRAILS: entry('Manage trails', 'Create, change and delete trails.'),
    ADMINISTRATOR: entry('Be an administrator', 'Do everything that anybody can do on the forum, without exception.')
};

/** A name for a permission that has no text: `BAKE_CAKES` becomes “Bake cakes”. */
export function nameInWords(name: string): string {
    const words = name.toLowerCase().replaceAll(/[_:.-]+/g, ' ');
    return words.charAt(0).toUpperCase() + words.slice(1);
}
