import * as OAuth from 'hapi-forum-oauth';
import smoke from './forum.cjs';

await smoke(OAuth);
console.log('An ES module host works.');
